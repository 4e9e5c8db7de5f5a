// The weights of one layer in the order in which the time loop reads them (gemm/packed_matrix.hpp).
// Packed once per version of the weights; forward() and backward() only read, so threads may share
// it.
#pragma once

#include <memory>

#include "cells/config.hpp"
#include "gemm/packed_matrix.hpp"
#include "sequence/layout.hpp"

namespace tidegate {

// One pointer per array of a layer, C-contiguous; null where it is absent. A new array goes to the
// end, and to the list of bindings/weight_fields.hpp.
template <class T>
struct WeightPointers {
  T* weight_ih;            // (G*H, I)
  T* weight_hh;            // (G*H, P), where P is H without a projection
  T* bias_ih;              // (G*H,)
  T* bias_hh;              // (G*H,)
  T* peephole;             // (3, H) or (3, H, H); 2 rows where gates are coupled
  T* weight_hr = nullptr;  // (P, H), an LSTM's projection of its output
};
template <class T>
using WeightArrays = WeightPointers<const T>;  // as the user gives them
template <class T>
using WeightGradients = WeightPointers<T>;  // null where no gradient is wanted

// The cell's compile-time plan as values, for code that is not on the hot path.
struct CellPlan {
  int gates, slots, states, phases, input_slots, term_count;
  const int* input_gate;
  const Term* terms;
  bool uses_reset_h, diagonal_peephole;
  int peepholes;
};

CellPlan plan_of(const CellConfig& config);

template <class T>
class PackedWeights {
 public:
  // `output_size` is the width P of h with a projection, 0 without one.
  PackedWeights(const CellConfig& config, Index input_size, Index hidden_size,
                Index output_size = 0);

  // Reads the arrays. The matrices of the backward pass are packed only when asked for.
  void pack(const WeightArrays<T>& arrays, bool for_backward, int threads);

  const CellConfig config;
  const CellPlan plan;
  const Index input_size, hidden_size;
  const bool has_projection;
  const Index output_size;  // of h: P, or H without a projection

  // Forward: groups of units with all their slots.
  const UnitLayout<T> layout;
  PackedMatrix<T> input;
  std::vector<PackedMatrix<T>> terms;       // one per plan.terms
  AlignedBuffer<T> bias;                    // [group][slot][block][lanes]
  AlignedBuffer<T> peephole;                // [plan.peepholes][padded], diagonal only
  std::vector<PackedMatrix<T>> projection;  // W_hr in groups of output_layout, or none

  // Backward: the transposes, K = slots * padded, one vector per block of the result.
  const UnitLayout<T> hidden_layout, output_layout, input_layout;
  std::vector<PackedMatrix<T>> terms_transposed;
  std::vector<PackedMatrix<T>> input_transposed;       // one, or none before it is needed
  std::vector<PackedMatrix<T>> projection_transposed;  // K = P; one, or none

  // Where a group's row of slots begins in bias and in the projection buffer, in elements per row.
  Index slot_offset(Index group) const {
    return group * layout.group_blocks * plan.slots * UnitLayout<T>::kLanes;
  }
  // What an operand's rows hold, and how its gradient is cut into groups.
  Index operand_size(Operand operand) const { return operand_layout(operand).units; }
  const UnitLayout<T>& operand_layout(Operand operand) const {
    return operand == Operand::kHPrev ? output_layout : hidden_layout;
  }
  Index bytes_per_step() const;  // of recurrent matrices, read at every step

 private:
  void pack_group(const WeightArrays<T>& arrays, Index group);
  void pack_bias(const WeightArrays<T>& arrays, Index group);
  void pack_projection(const T* weight_hr, Index group);
  void pack_projection_transposed(const T* weight_hr, Index group);
  void pack_transposed(PackedMatrix<T>& to, const UnitLayout<T>& columns, Range groups,
                       const T* matrix, const int* gates, int slots) const;
  const T* term_rows(const WeightArrays<T>& arrays, const Term& term) const;
};

}  // namespace tidegate
