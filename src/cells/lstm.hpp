// LSTM cell with forget gate (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000) and
// peepholes (Gers & Schmidhuber 2000), gate order i f g o:
//   i, f, o = σ(a_i + P_i c_prev), σ(a_f + P_f c_prev), σ(a_o + P_o c)     g = tanh(a_g)
//   c = f∘c_prev + i∘g        h = o∘tanh(c)                                a = W x + R h_prev + b
// With a projection (Sak, Senior & Beaufays 2014) this h is m, and the state is h = W_hr m.
// P is none, diagonal (elementwise) or full (a matrix; its terms are already in a, which costs a
// second phase because the output gate sees the new c of all units). Backward:
// docs/equations/lstm.md.
#pragma once

#include "cells/output_gate.hpp"

namespace tidegate {

enum class Peephole { kNone, kDiagonal, kFull };

template <Peephole peephole, class Activations = UsualActivations>
struct LstmCell {
  enum Slot { kI, kF, kG, kO };
  static constexpr bool kDiagonal = peephole == Peephole::kDiagonal;
  static constexpr bool kFull = peephole == Peephole::kFull;

  static constexpr int kGates = 4, kSlots = 4, kStates = 2, kPhases = kFull ? 2 : 1;
  static constexpr int kInputSlots = 4, kPeepholes = 3;
  static constexpr int kInputGate[] = {kI, kF, kG, kO};
  static constexpr int kTermCount = kFull ? 3 : 1;
  static constexpr Term kTerms[] = {
      {0, Operand::kHPrev, kI, 4, Matrix::kRecurrent, 0},
      {0, Operand::kCPrev, kI, 2, Matrix::kPeephole, 0},
      {1, Operand::kC, kO, 1, Matrix::kPeephole, 2},
  };
  static constexpr bool kUsesHPrev = false, kUsesResetH = false, kCarriesDh = false;
  static constexpr bool kProjects = true;
  static constexpr bool kDecaysMemory = false;
  // Slots whose da a backward phase writes.
  static constexpr unsigned kWrites[] = {kFull ? 0b1000u : 0b1111u, 0b0111u};
  using Output = OutputGate<kO, kDiagonal ? 2 : -1>;

  Activations act;

  template <int phase, class V>
  void forward(ForwardUnit<V>& u) const {
    if constexpr (phase == 0) {
      V a_i = u.a[kI], a_f = u.a[kF];
      if constexpr (kDiagonal) {
        a_i = a_i + u.peephole[0] * u.c_prev;
        a_f = a_f + u.peephole[1] * u.c_prev;
      }
      u.a[kI] = act.recurrent.value(a_i);
      u.a[kF] = act.recurrent.value(a_f);
      u.a[kG] = act.input.value(u.a[kG]);
      u.c = act.limited_c(u.a[kF] * u.c_prev + u.a[kI] * u.a[kG]);
    }
    if constexpr (phase == kPhases - 1) Output::forward(act, u);
  }

  template <int phase, class V>
  void backward(BackwardUnit<V>& u) const {
    if constexpr (phase == 0) Output::backward(act, u);
    if constexpr (phase == kPhases - 1) {
      const V i = u.s[kI], f = u.s[kF], g = u.s[kG];
      u.dc = act.limited_dc(u.dc, u.c);
      u.s[kI] = u.dc * g * act.recurrent.slope(i);
      u.s[kF] = u.dc * u.c_prev * act.recurrent.slope(f);
      u.s[kG] = u.dc * i * act.input.slope(g);
      u.dc = u.dc * f;
      if constexpr (kDiagonal) {
        u.dc = u.dc + u.s[kI] * u.peephole[0] + u.s[kF] * u.peephole[1];
      }
    }
  }
};

}  // namespace tidegate
