// LSTM with coupled input and forget gates (Greff et al. 2017, "CIFG"): one gate k shares between
// the old cell state and the candidate, as the update gate of a GRU does. Gate order k g o:
//   k, o = σ(a_k + P_k c_prev), σ(a_o + P_o c)     g = tanh(a_g)
//   coupled="input"   k is f, i = 1-f:  c = k∘c_prev + (1-k)∘g
//   coupled="forget"  k is i, f = 1-i:  c = (1-k)∘c_prev + k∘g
//   h = o∘tanh(c)
// Peepholes as in lstm.hpp, with rows k o. Backward: docs/equations/lstm.md.
#pragma once

#include "cells/blend.hpp"
#include "cells/lstm.hpp"

namespace tidegate {

template <Peephole peephole, class Activations>
struct CoupledLstmCell {
  enum Slot { kK, kG, kO };
  static constexpr bool kDiagonal = peephole == Peephole::kDiagonal;
  static constexpr bool kFull = peephole == Peephole::kFull;

  static constexpr int kGates = 3, kSlots = 3, kStates = 2, kPhases = kFull ? 2 : 1;
  static constexpr int kInputSlots = 3, kPeepholes = 2;
  static constexpr int kInputGate[] = {kK, kG, kO};
  static constexpr int kTermCount = kFull ? 3 : 1;
  static constexpr Term kTerms[] = {
      {0, Operand::kHPrev, kK, 3, Matrix::kRecurrent, 0},
      {0, Operand::kCPrev, kK, 1, Matrix::kPeephole, 0},
      {1, Operand::kC, kO, 1, Matrix::kPeephole, 1},
  };
  static constexpr bool kUsesHPrev = false, kUsesResetH = false, kCarriesDh = false;
  static constexpr bool kProjects = true;
  static constexpr bool kDecaysMemory = false;
  static constexpr unsigned kWrites[] = {kFull ? 0b100u : 0b111u, 0b011u};
  using Output = OutputGate<kO, kDiagonal ? 1 : -1>;

  Activations act;
  Blend update;

  template <int phase, class V>
  void forward(ForwardUnit<V>& u) const {
    if constexpr (phase == 0) {
      V a_k = u.a[kK];
      if constexpr (kDiagonal) a_k = a_k + u.peephole[0] * u.c_prev;
      u.a[kK] = act.recurrent.value(a_k);
      u.a[kG] = act.input.value(u.a[kG]);
      u.c = act.limited_c(update.value(u.a[kK], u.c_prev, u.a[kG]));
    }
    if constexpr (phase == kPhases - 1) Output::forward(act, u);
  }

  template <int phase, class V>
  void backward(BackwardUnit<V>& u) const {
    if constexpr (phase == 0) Output::backward(act, u);
    if constexpr (phase == kPhases - 1) {
      const V k = u.s[kK], g = u.s[kG];
      u.dc = act.limited_dc(u.dc, u.c);
      u.s[kK] = update.to_gate(u.dc, u.c_prev, g) * act.recurrent.slope(k);
      u.s[kG] = update.to_new(u.dc, k) * act.input.slope(g);
      u.dc = update.to_old(u.dc, k);
      if constexpr (kDiagonal) u.dc = u.dc + u.s[kK] * u.peephole[0];
    }
  }
};

}  // namespace tidegate
