// The weights of one layer as the time loop reads them (gemm/weight_matrix.hpp): packed once per
// version of the weights, or, what a call reads few times, left in the user's arrays. forward() and
// backward() only read, so threads may share it.
#pragma once

#include <memory>

#include "cells/config.hpp"
#include "gemm/weight_matrix.hpp"
#include "sequence/layer_norm.hpp"
#include "sequence/layout.hpp"
#include "sequence/packing.hpp"

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
  T* weight_cc = nullptr;  // (H, H), of c_prev, where memory decays
  T* bias_cc = nullptr;    // (H,)
  T* gamma_ih = nullptr;   // (G*H,), gains of layer normalisation
  T* gamma_hh = nullptr;   // (G*H,)
  T* gamma_c = nullptr;    // (H,), of an LSTM
  T* beta_c = nullptr;     // (H,)
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

  // Arrays that hold still from now on, while calls read them. Nothing is packed.
  void read_from(const WeightArrays<T>& arrays);
  // Packs what is wanted and not packed yet.
  void pack(const Packing& wanted, int threads);

  const CellConfig config;
  const CellPlan plan;
  const Index input_size, hidden_size;
  const bool has_projection;
  const Index output_size;  // of h: P, or H without a projection

  // Forward: groups of units with all their slots.
  const UnitLayout<T> layout;
  WeightMatrix<T> input;
  std::vector<WeightMatrix<T>> terms;  // one per plan.terms
  AlignedBuffer<T> bias;               // [group][slot][block][lanes]; 0 where `norm` has it
  AlignedBuffer<T> peephole;           // [plan.peepholes][padded], diagonal only

  NormWeights<T> norm;  // empty without layer normalisation

  // Backward: the transposes, K = slots * padded, one vector per block of the result.
  const UnitLayout<T> hidden_layout, output_layout, input_layout;
  WeightMatrix<T> input_transposed;
  std::vector<WeightMatrix<T>> terms_transposed;

  // W_hr in groups of output_layout, and its transpose, K = P; one, or none.
  std::vector<WeightMatrix<T>> projection, projection_transposed;

  // Where a group's row of slots begins in bias and in the projection buffer, in elements per row.
  Index slot_offset(Index group) const {
    return group * layout.group_blocks * plan.slots * UnitLayout<T>::kLanes;
  }
  // What an operand's rows hold, and how its gradient is cut into groups.
  Index operand_size(Operand operand) const { return operand_layout(operand).units; }
  const UnitLayout<T>& operand_layout(Operand operand) const {
    return operand == Operand::kHPrev ? output_layout : hidden_layout;
  }
  template <class Cell>
  bool projects() const {
    return Cell::kProjects && has_projection;
  }
  // The diagonal peepholes of some units, as a cell's epilogue takes them.
  template <class Cell, class Unit>
  void read_peepholes(Unit& u, Index unit) const {
    for (Index q = 0; q < Cell::kPeepholes; ++q) {
      u.peephole[q] = Lane<T>::load(peephole.data() + q * layout.padded + unit);
    }
  }

  Index bytes_per_step() const;  // of recurrent matrices, read at every step

 private:
  void add_bias(const T* from, Index gate, Index slot);
  void read_norm_from(const WeightArrays<T>& arrays);
  const T* term_rows(const WeightArrays<T>& arrays, const Term& term) const;
};

}  // namespace tidegate
