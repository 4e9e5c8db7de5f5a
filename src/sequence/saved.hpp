// What the forward pass keeps for the backward pass. Gate rows are [slot][padded]; the backward
// pass overwrites them with their gradients da, so they serve once.
#pragma once

#include "sequence/packed_weights.hpp"
#include "sequence/rows.hpp"

namespace tidegate {

template <class T>
struct Saved {
  Dims dims;
  SequenceView<const T> x;  // the caller's array, kept alive by the bindings
  SequenceView<const T> h;  // hidden states after each step: y, or own_h when y is not returned
  History<T> own_h;         // T rows
  AlignedBuffer<T> gates;   // [T][B][slots][padded]
  History<T> h0;            // one row: the initial hidden state, padded
  History<T> c;             // T + 1 rows, c before the first step in front
  History<T> reset_h;       // T rows of r∘h_prev

  Saved(const PackedWeights<T>& w, Dims d, bool returns_y)
      : dims(d), row_size_(odd_in_lines(w.plan.slots * w.layout.padded)) {
    const Index padded = w.layout.padded;
    gates.resize(checked_product(d.steps, d.batch, row_size_));
    h0 = History<T>::last_one(d.batch, padded);
    if (!returns_y) own_h = History<T>::all(d.steps, d.batch, padded);
    if (w.plan.states == 2) c = History<T>::all(d.steps + 1, d.batch, padded);
    if (w.plan.uses_reset_h) reset_h = History<T>::all(d.steps, d.batch, padded);
  }

  Index row_size() const { return row_size_; }  // from one row of gates to the next
  T* gate_row(Index t, Index b) { return gates.data() + (t * dims.batch + b) * row_size_; }
  SequenceView<const T> own_h_view() const {
    return {own_h.at(0, 0), own_h.at(1, 0) - own_h.at(0, 0), own_h.at(0, 1) - own_h.at(0, 0)};
  }
  const T* h_prev(Index t, Index b) const { return t == 0 ? h0.at(0, b) : h.at(t - 1, b); }
  const T* operand_row(Operand operand, Index t, Index b) const {
    switch (operand) {
      case Operand::kCPrev:
        return c.at(t, b);
      case Operand::kC:
        return c.at(t + 1, b);
      case Operand::kResetH:
        return reset_h.at(t, b);
      case Operand::kHPrev:
        break;
    }
    return h_prev(t, b);
  }

 private:
  // Rows at a distance of a large power of two would share few sets of a cache.
  static Index odd_in_lines(Index size) {
    constexpr Index kLine = kCacheLine / sizeof(T);
    return size % (16 * kLine) == 0 ? size + kLine : size;
  }

  Index row_size_;
};

}  // namespace tidegate
