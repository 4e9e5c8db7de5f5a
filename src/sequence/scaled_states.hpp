// scale∘h_prev of a forward step, which R multiplies in place of h_prev: one row for all gates, or
// one for each.
#pragma once

#include "sequence/packed_weights.hpp"
#include "sequence/part.hpp"
#include "sequence/state_factors.hpp"

namespace tidegate {

template <class T, class Cell>
class ScaledStates {
 public:
  // `factors` outlive it.
  ScaledStates(const PackedWeights<T>& weights, const StateFactors<T>& factors, Index batch,
               Index threads)
      : w_(weights), factors_(factors), batch_(batch) {
    if (!factors.scale) return;
    rows_ = factors.per_gate() ? Cell::kGates : 1;
    buffer_.resize(
        checked_product(checked_product(threads, batch), rows_, weights.output_layout.padded));
  }

  // Each thread makes its own copy, which costs less than waiting for others. h_prev_of(b) is h
  // before step t.
  template <class HPrevOf>
  void make(const Part& part, Range rows, Index t, const HPrevOf& h_prev_of) {
    if (part.groups.size() == 0) return;
    for (Index b = rows.begin; b < rows.end; ++b) {
      const T* h_prev = h_prev_of(b);
      for (Index gate = 0; gate < rows_; ++gate) {
        const T* scale = factors_.scale_at(t, b, gate);
        T* to = row(part, b, gate);
        for (Index unit = 0; unit < w_.output_size; ++unit) to[unit] = scale[unit] * h_prev[unit];
      }
    }
  }

  // to += R (scale∘h_prev) of term k, gate by gate where each has a scale of its own.
  void multiply(const Part& part, Range rows, Index group, int k, T* to, Index width) {
    const Term& term = Cell::kTerms[k];
    const WeightMatrix<T>& matrix = w_.terms[static_cast<std::size_t>(k)];
    const Index blocks = w_.layout.blocks_of(group).size();
    const int pieces = factors_.per_gate() ? term.slots : 1;
    if (pieces > 1 && matrix.packed() && rows.size() < kTileRows) {
      for (Index b = rows.begin; b < rows.end; ++b, to += width) {
        const auto row_of = [&](Index v) { return row(part, b, term.gate + v / blocks); };
        matrix.multiply_apart(group, row_of, {to, 0, to, 0});
      }
      return;
    }
    for (int piece = 0; piece < pieces; ++piece) {
      const Index gate = pieces == 1 ? 0 : term.gate + piece;
      const auto row_of = [&](Index r) { return row(part, rows.begin + r, gate); };
      const Range vectors = even_slice(term.slots * blocks, pieces, piece);
      matrix.multiply_vectors(group, vectors, rows.size(), row_of, {to, width, to, width});
    }
  }

 private:
  static constexpr Index kTileRows = 4;  // enough chains in a tile of one gate

  T* row(const Part& part, Index b, Index gate) {
    const Index at = (part.hidden_slice * batch_ + b) * rows_ + gate;
    return buffer_.data() + at * w_.output_layout.padded;
  }

  const PackedWeights<T>& w_;
  const StateFactors<T>& factors_;
  const Index batch_;
  Index rows_ = 0;           // of one sequence
  AlignedBuffer<T> buffer_;  // [hidden slice][sequence][gate, or one for all][padded]
};

}  // namespace tidegate
