// LSTM whose short-term memory fades with the time since the step before (T-LSTM: Baytas et al.
// 2017), gate order i f g o:
//   s = tanh(W_cc c_prev + b_cc)          the short-term part of the memory
//   c* = c_prev - s + d∘s                 d is memory_decay, one number for a sequence's step
//   i, f, o = σ(a_i), σ(a_f), σ(a_o)      g = tanh(a_g)      c = f∘c* + i∘g      h = o∘tanh(c)
// W_cc c_prev needs only what was there before the step, so one phase is enough. The tanh of s is
// not an option, nor is it limited by `clip`. Backward: docs/equations/tlstm.md.
#pragma once

#include "cells/output_gate.hpp"

namespace tidegate {

template <class Activations = UsualActivations>
struct TimeLstmCell {
  enum Slot { kI, kF, kG, kO, kS };

  static constexpr int kGates = 4, kSlots = 5, kStates = 2, kPhases = 1;
  static constexpr int kInputSlots = 4, kPeepholes = 0;
  static constexpr int kInputGate[] = {kI, kF, kG, kO};
  static constexpr int kTermCount = 2;
  static constexpr Term kTerms[] = {
      {0, Operand::kHPrev, kI, 4, Matrix::kRecurrent, 0},
      {0, Operand::kCPrev, kS, 1, Matrix::kMemory, 0},
  };
  static constexpr bool kUsesHPrev = false, kUsesResetH = false, kCarriesDh = false;
  static constexpr bool kProjects = true;
  static constexpr bool kDecaysMemory = true;
  static constexpr unsigned kWrites[] = {0b11111u};
  static constexpr bool kDiagonal = false;
  using Output = OutputGate<kO, -1>;

  Activations act;

  template <int phase, class V>
  void forward(ForwardUnit<V>& u) const {
    u.a[kS] = Tanh::value(u.a[kS]);
    u.a[kI] = act.recurrent.value(u.a[kI]);
    u.a[kF] = act.recurrent.value(u.a[kF]);
    u.a[kG] = act.input.value(u.a[kG]);
    const V c_star = u.c_prev + (u.memory_decay - V(1)) * u.a[kS];
    u.c = act.limited_c(u.a[kF] * c_star + u.a[kI] * u.a[kG]);
    Output::forward(act, u);
  }

  template <int phase, class V>
  void backward(BackwardUnit<V>& u) const {
    Output::backward(act, u);
    const V i = u.s[kI], f = u.s[kF], g = u.s[kG], s = u.s[kS];
    const V faded = u.memory_decay - V(1);
    const V dc = act.limited_dc(u.dc, u.c);
    u.s[kI] = dc * g * act.recurrent.slope(i);
    u.s[kF] = dc * (u.c_prev + faded * s) * act.recurrent.slope(f);
    u.s[kG] = dc * i * act.input.slope(g);
    u.dc = dc * f;
    u.s[kS] = u.dc * faded * Tanh::slope(s);
    u.dmemory_decay = u.dc * s;
  }
};

}  // namespace tidegate
