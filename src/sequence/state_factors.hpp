// Factors on the state at every step, per sequence and element of h, of which there are P:
//
//   scale   h_prev is multiplied by it before the step: a decay over time, or recurrent dropout
//   keep    h = keep∘h_prev + (1 - keep)∘h_new, with h_prev as it was before any scale: zoneout
//   memory  how much of the short-term part of c_prev is left, one number for all units: T-LSTM
//
// The first two are (T, B, P) with any strides; one that is constant over time has a step stride of
// 0 and costs (B, P) of memory.
#pragma once

#include "math/lane.hpp"
#include "sequence/rows.hpp"

namespace tidegate {

template <class T>
struct StateFactors {
  SequenceView<const T> scale{};  // null: none
  Index scale_gate = 0;           // elements from one gate's scale to the next; 0: one for all
  bool product_only = false;      // only what R multiplies is scaled; the GRU's blend is not
  SequenceView<const T> keep{};   // null: none
  // (T, B), there if and only if the cell decays memory; any() does not count it, since the cell's
  // type knows.
  SequenceView<const T> memory{};

  // The same for a pass over `rows`.
  StateFactors over(const ActiveRows& rows) const {
    return {scale.over(rows), scale_gate, product_only, keep.over(rows), memory.over(rows)};
  }

  bool any() const { return scale || keep; }
  bool per_gate() const { return scale_gate != 0; }
  const T* scale_at(Index t, Index b, Index gate) const {
    return scale.at(t, b) + gate * scale_gate;
  }

  // h_prev as the cell's epilogue takes it: its operand and, in a blend, the state itself. The
  // reset gate's operand has a gate; elsewhere there is one scale or none is asked for.
  template <class Cell, bool factored, class Unit>
  void read_h_prev(Unit& u, const T* h_prev, Index t, Index b, Index unit, Index valid) const {
    u.h_prev = u.h_in = Lane<T>::load_partial(h_prev + unit, valid);
    if (!factored || !scale) return;
    const Index gate = Cell::kUsesResetH ? Cell::kTerms[Cell::kTermCount - 1].gate : 0;
    u.h_in = u.h_prev * Lane<T>::load_partial(scale_at(t, b, gate) + unit, valid);
    if (!product_only) u.h_prev = u.h_in;
  }
  Lane<T> keep_of(Index t, Index b, Index unit, Index valid) const {
    return Lane<T>::load_partial(keep.at(t, b) + unit, valid);
  }
  // 0 and 1 give one of two finite states exactly.
  Lane<T> kept(const Lane<T>& h, const Lane<T>& h_prev, Index t, Index b, Index unit,
               Index valid) const {
    const Lane<T> k = keep_of(t, b, unit, valid);
    return multiply_add(k, h_prev, (Lane<T>(T(1)) - k) * h);
  }
};

}  // namespace tidegate
