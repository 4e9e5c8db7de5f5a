// GRU cells (Cho et al. 2014), gate order r z n. The two forms differ in where the reset gate acts:
//   reset after the product (cuDNN)     n = tanh(W_n x + b_n + r∘q),  q = R_n h_prev + bR_n
//   reset before the product (Cho)      n = tanh(W_n x + R_n (r∘h_prev) + b_n)
//   r, z = σ(a_r), σ(a_z)
//   update="retain"   h = z∘h_prev + (1-z)∘n          update="replace"   h = (1-z)∘h_prev + z∘n
// Backward: docs/equations/gru.md.
#pragma once

#include "cells/blend.hpp"
#include "cells/cell.hpp"

namespace tidegate {

template <class Activations = UsualActivations>
struct GruResetAfterCell {
  // n keeps only its input part until the recurrent part q has met the reset gate.
  enum Slot { kN, kR, kZ, kQ };
  static constexpr int kGates = 3, kSlots = 4, kStates = 1, kPhases = 1;
  static constexpr int kInputSlots = 3;
  static constexpr int kInputGate[] = {2, 0, 1};
  static constexpr int kTermCount = 1;
  static constexpr Term kTerms[] = {{0, Operand::kHPrev, kR, 3, Matrix::kRecurrent, 0}};
  static constexpr bool kUsesHPrev = true, kUsesResetH = false, kCarriesDh = true;
  static constexpr bool kProjects = false;
  static constexpr bool kDecaysMemory = false;
  static constexpr unsigned kWrites[] = {0b1111u};
  static constexpr bool kDiagonal = false;
  static constexpr int kPeepholes = 0;

  Activations act;
  Blend update;

  template <int phase, class V>
  void forward(ForwardUnit<V>& u) const {
    u.a[kR] = act.recurrent.value(u.a[kR]);
    u.a[kZ] = act.recurrent.value(u.a[kZ]);
    u.a[kN] = act.input.value(u.a[kN] + u.a[kR] * u.a[kQ]);
    u.h = update.value(u.a[kZ], u.h_prev, u.a[kN]);
  }

  template <int phase, class V>
  void backward(BackwardUnit<V>& u) const {
    const V n = u.s[kN], r = u.s[kR], z = u.s[kZ], q = u.s[kQ];
    u.s[kN] = update.to_new(u.dh, z) * act.input.slope(n);
    u.s[kR] = u.s[kN] * q * act.recurrent.slope(r);
    u.s[kZ] = update.to_gate(u.dh, u.h_prev, n) * act.recurrent.slope(z);
    u.s[kQ] = u.s[kN] * r;
    u.dh = update.to_old(u.dh, z);
  }
};

template <class Activations = UsualActivations>
struct GruResetBeforeCell {
  enum Slot { kR, kZ, kN };
  static constexpr int kGates = 3, kSlots = 3, kStates = 1, kPhases = 2;
  static constexpr int kInputSlots = 3;
  static constexpr int kInputGate[] = {0, 1, 2};
  static constexpr int kTermCount = 2;
  static constexpr Term kTerms[] = {
      {0, Operand::kHPrev, kR, 2, Matrix::kRecurrent, 0},
      {1, Operand::kResetH, kN, 1, Matrix::kRecurrent, 2},
  };
  static constexpr bool kUsesHPrev = true, kUsesResetH = true, kCarriesDh = true;
  static constexpr bool kProjects = false;
  static constexpr bool kDecaysMemory = false;
  static constexpr unsigned kWrites[] = {0b110u, 0b001u};
  static constexpr bool kDiagonal = false;
  static constexpr int kPeepholes = 0;

  Activations act;
  Blend update;

  template <int phase, class V>
  void forward(ForwardUnit<V>& u) const {
    if constexpr (phase == 0) {
      u.a[kR] = act.recurrent.value(u.a[kR]);
      u.a[kZ] = act.recurrent.value(u.a[kZ]);
      u.reset_h = u.a[kR] * u.h_in;
    } else {
      u.a[kN] = act.input.value(u.a[kN]);
      u.h = update.value(u.a[kZ], u.h_prev, u.a[kN]);
    }
  }

  template <int phase, class V>
  void backward(BackwardUnit<V>& u) const {
    if constexpr (phase == 0) {
      const V z = u.s[kZ], n = u.s[kN];
      u.s[kZ] = update.to_gate(u.dh, u.h_prev, n) * act.recurrent.slope(z);
      u.s[kN] = update.to_new(u.dh, z) * act.input.slope(n);
      u.dh = update.to_old(u.dh, z);
    } else {
      const V r = u.s[kR];
      u.s[kR] = u.dreset_h * u.h_in * act.recurrent.slope(r);
      u.dh_in = u.dh_in + u.dreset_h * r;
    }
  }
};

}  // namespace tidegate
