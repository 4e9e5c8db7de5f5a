// Simple recurrent cell (Elman 1990):  h = act(a),  a = W x + R h_prev + b.
// Backward: docs/equations/rnn.md.
#pragma once

#include "cells/cell.hpp"

namespace tidegate {

template <class Activations = UsualActivations>
struct RnnCell {
  static constexpr int kGates = 1, kSlots = 1, kStates = 1, kPhases = 1;
  static constexpr int kInputSlots = 1;
  static constexpr int kInputGate[] = {0};
  static constexpr int kTermCount = 1;
  static constexpr Term kTerms[] = {{0, Operand::kHPrev, 0, 1, Matrix::kRecurrent, 0}};
  static constexpr bool kUsesHPrev = false, kUsesResetH = false, kCarriesDh = false;
  static constexpr bool kProjects = false;
  static constexpr bool kDecaysMemory = false;
  static constexpr unsigned kWrites[] = {0b1u};
  static constexpr bool kDiagonal = false;
  static constexpr int kPeepholes = 0;

  Activations act;

  template <int phase, class V>
  void forward(ForwardUnit<V>& u) const {
    u.a[0] = act.input.value(u.a[0]);
    u.h = u.a[0];
  }

  template <int phase, class V>
  void backward(BackwardUnit<V>& u) const {
    u.s[0] = u.dh * act.input.slope(u.s[0]);
  }
};

}  // namespace tidegate
