// The output gate of an LSTM, whatever its other gates:
//   o = σ(a_o + P_o c)        h = o∘tanh(c)
#pragma once

#include "cells/cell.hpp"

namespace tidegate {

// `peephole` is its row of a diagonal peephole, or -1.
template <int slot, int peephole>
struct OutputGate {
  template <class Activations, class V>
  static void forward(const Activations& act, ForwardUnit<V>& u) {
    V a_o = u.a[slot];
    if constexpr (peephole >= 0) a_o = a_o + u.peephole[peephole] * u.c;
    u.a[slot] = act.recurrent.value(a_o);
    u.h = u.a[slot] * act.output.value(u.c);
  }

  // Writes da_o and adds to dc.
  template <class Activations, class V>
  static void backward(const Activations& act, BackwardUnit<V>& u) {
    const V o = u.s[slot];
    const V tanh_c = act.output.value(u.c);
    u.s[slot] = u.dh * tanh_c * act.recurrent.slope(o);
    u.dc = u.dc + u.dh * o * act.output.slope(tanh_c);
    if constexpr (peephole >= 0) u.dc = u.dc + u.s[slot] * u.peephole[peephole];
  }
};

}  // namespace tidegate
