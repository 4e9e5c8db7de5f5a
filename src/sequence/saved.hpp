// What the forward pass keeps for the backward pass, and the scratch of the latter. Gate rows are
// [slot][padded], with a projection followed by m, which it multiplies, and room for dh; the
// backward pass overwrites the gates with their gradients da, so they serve once. With layer
// normalisation there follow, [slot][padded] each, â of W x, later the gradient by W x, â of R
// h_prev, and the gradient by that; then an LSTM's o, later the gradient by LN(c), and the moments
// of W x, R h_prev and c.
#pragma once

#include <vector>

#include "gemm/outer_product.hpp"
#include "sequence/packed_weights.hpp"
#include "sequence/state_factors.hpp"

namespace tidegate {

// The row that a term multiplies at step t, where `states` is Saved or ForwardStates.
template <class States>
auto operand_row(States& states, Operand operand, Index t, Index b)
    -> decltype(states.h_prev(t, b)) {
  switch (operand) {
    case Operand::kCPrev:
      return states.c.at(t, b);
    case Operand::kC:
      return states.c.at(t + 1, b);
    case Operand::kResetH:
      return states.reset_h.at(t, b);
    case Operand::kHPrev:
      break;
  }
  return states.h_prev(t, b);
}

template <class T>
struct Saved {
  ActiveRows rows;
  SequenceView<const T> x;  // the caller's array, kept alive by the bindings
  SequenceView<const T> h;  // hidden states after each step: y, or own_h when y is not returned
  History<T> own_h;         // T rows
  AlignedBuffer<T> gates;   // [row of rows][slots][padded]
  History<T> h0;            // one row: the initial hidden state, padded
  History<T> c;             // T + 1 rows, c before the first step in front
  History<T> reset_h;       // T rows of r∘h_in, what R_n multiplies
  StateFactors<T> factors;  // of the caller, like x
  std::vector<OuterProduct<T>> products;  // one per thread

  explicit Saved(const PackedWeights<T>& w)
      : padded_(w.layout.padded),
        output_padded_(w.output_layout.padded),
        slots_size_(w.plan.slots * padded_),
        normalizes_(w.config.layer_norm),
        output_at_(slots_size_ * (normalizes_ ? 4 : 1)),
        moments_at_(output_at_ + (normalizes_ && w.plan.states == 2 ? padded_ : 0)),
        row_size_(odd_in_lines(w.has_projection ? output_at_ + padded_ + output_padded_
                                                : moments_at_ + (normalizes_ ? kMoments : 0))),
        has_c_(w.plan.states == 2),
        has_reset_h_(w.plan.uses_reset_h) {}

  // Makes room for a call. Memory of earlier calls is used again: fresh memory costs a page fault
  // and a pass of zeros.
  void prepare(const ActiveRows& active, SequenceView<const T> input, SequenceView<const T> y,
               const StateFactors<T>& state_factors = {}) {
    gates.resize(checked_product(active.total(), row_size_));
    h0.hold_last(active.batch, output_padded_);
    if (!y) own_h.hold_all(active, output_padded_);
    if (has_c_) c.hold_all_and_first(active, padded_);
    if (has_reset_h_) reset_h.hold_all(active, padded_);
    rows = active;
    x = input;
    factors = state_factors;
    h = y ? y : compact_view<const T>(rows, own_h.at(0, 0), output_padded_);
  }

  Index row_size() const { return row_size_; }  // from one row of gates to the next
  T* gate_row(Index row) { return gates.data() + row * row_size_; }
  const T* gate_row(Index row) const { return gates.data() + row * row_size_; }
  T* gate_row(Index t, Index b) { return gate_row(rows.row(t, b)); }
  const T* gate_row(Index t, Index b) const { return gate_row(rows.row(t, b)); }
  // With a projection h = W_hr m: m (H,) and the gradient dh (P,).
  T* m(Index t, Index b) { return gate_row(t, b) + output_at_; }
  T* dh(Index t, Index b) { return m(t, b) + padded_; }
  // Where the gradients by W x and R h_prev begin in a row of gates, slot by slot: without layer
  // normalisation they are da.
  Index dproduct_ih() const { return normalizes_ ? slots_size_ : 0; }
  Index dproduct_hh() const { return normalizes_ ? 3 * slots_size_ : 0; }
  T* hat_ih(Index row) { return gate_row(row) + slots_size_; }
  T* hat_ih(Index t, Index b) { return hat_ih(rows.row(t, b)); }
  T* hat_hh(Index row) { return gate_row(row) + 2 * slots_size_; }
  T* hat_hh(Index t, Index b) { return hat_hh(rows.row(t, b)); }
  Moments<T>* moments(Index t, Index b) {
    return reinterpret_cast<Moments<T>*>(gate_row(t, b) + moments_at_);
  }
  const T* h_prev(Index t, Index b) const { return t == 0 ? h0.at(0, b) : h.at(t - 1, b); }
  StepRows<const T> h_prev_rows(Index t) {  // none where h is scattered
    if (t > 0) return h.rows_at(t - 1);
    return {h0.at(0, 0), output_padded_};
  }

 private:
  // Rows at a distance of a large power of two would share few sets of a cache.
  static Index odd_in_lines(Index size) {
    constexpr Index kLine = kCacheLine / sizeof(T);
    return size % (16 * kLine) == 0 ? size + kLine : size;
  }

  static constexpr Index kMoments = 3 * sizeof(Moments<T>) / sizeof(T);

  Index padded_, output_padded_, slots_size_;
  bool normalizes_;
  Index output_at_, moments_at_, row_size_;
  bool has_c_, has_reset_h_;
};

}  // namespace tidegate
