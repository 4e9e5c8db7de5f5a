// What a cell is to the time loop. Each cell file holds its equations, elementwise, and a plan:
// which matrix multiplies which operand rows into which slots, in which phase of a step.
//
// A slot is one value per unit and row: a pre-activation on the way in, the saved gate after the
// forward step, its gradient da after the backward step. A phase ends with a barrier, after which
// its results of ALL units may be an operand. The one list of terms drives the forward step,
// the backward step (d_operand += matrix^T da) and the weight gradients (dmatrix = da^T operand).
//
// Beside kTerms a cell states, for the loop:
//   kGates, kSlots, kStates, kPhases   how many; the state is h, or h and c
//   kInputSlots, kInputGate            the first slots take W x; kInputGate[slot] is the rows of W
//   kUsesHPrev, kUsesResetH            the epilogue reads h_prev; it makes r∘h_in, an operand
//   kCarriesDh                         backward() leaves in dh what flows on to t-1 past the terms
//                                      and, with kUsesResetH, adds to dh_in what flows on to h_in
//   kWrites                            per backward phase, the slots whose da it writes, as bits
//   kDiagonal                          the epilogue reads the diagonal peepholes
//   kPeepholes                         rows of peepholes: of the first slots, which see c_prev, and
//                                      of the last one, which sees c
//   kProjects                          its h may be what a projection multiplies (LSTMP's m)
//   kDecaysMemory                      the epilogue takes a decay of c_prev for each row and step
#pragma once

#include "math/chosen_activation.hpp"

namespace tidegate {

constexpr int kMaxSlots = 5;

// Rows (B, H) that a recurrent matrix multiplies.
enum class Operand { kHPrev, kCPrev, kC, kResetH };
enum class Matrix { kRecurrent, kPeephole, kMemory };

struct Term {
  int phase;
  Operand operand;
  int slot, slots;  // the contiguous slots it adds to
  Matrix matrix;
  int gate;  // rows of the first slot: gate*H .. (gate+1)*H; the next slots follow
};

// The activations of a cell: `recurrent` for the gates, `input` for the candidate (g, n, the simple
// RNN's h) and `output` for the squash of c in the LSTM. Cells take them as a type, so that those
// which most models have are inlined without a branch.
template <class Squash>
struct InlinedActivations {
  Squash input;
  Sigmoid recurrent;
  Squash output;

  template <class V>
  const V& limited_c(const V& c) const {
    return c;
  }
  template <class V>
  const V& limited_dc(const V& dc, const V& /*c*/) const {
    return dc;
  }
};
using UsualActivations = InlinedActivations<Tanh>;
using ReluActivations = InlinedActivations<Relu>;

// The same and three limits: `clip` of the pre-activations, `cell_clip` of the LSTM's c as it is
// stored, `output_clip` of c on its way into the output activation.
struct CellActivations {
  Activation input{ActivationKind::kTanh};
  Activation recurrent{ActivationKind::kSigmoid};
  Activation output{ActivationKind::kTanh};
  double clip = kNoClip, cell_clip = kNoClip, output_clip = kNoClip;

  // Whether these are InlinedActivations of this squash.
  bool are_inlined(ActivationKind squash) const {
    return input.kind == squash && recurrent.kind == ActivationKind::kSigmoid &&
           output.kind == squash && clip == kNoClip && cell_clip == kNoClip &&
           output_clip == kNoClip;
  }
  // As cells take them: with the limits inside the activations.
  CellActivations limited() const {
    CellActivations all = *this;
    all.input = input.limited_to(clip);
    all.recurrent = recurrent.limited_to(clip);
    all.output = output.limited_to(output_clip);
    return all;
  }
  template <class T>
  Lane<T> limited_c(const Lane<T>& c) const {
    return at_least(at_most(c, T(cell_clip)), T(-cell_clip));
  }
  // Zero where c was limited.
  template <class T>
  Lane<T> limited_dc(const Lane<T>& dc, const Lane<T>& c) const {
    return zero_where(abs(c), T(cell_clip), dc);
  }
};

// One lane of units on the way forward: a is pre-activations in, values to save out.
template <class V>
struct ForwardUnit {
  V a[kMaxSlots];
  V h_prev, c_prev;
  V h_in;  // h_prev as the recurrent product takes it
  V h, c, reset_h;
  V peephole[3];
  V memory_decay;
};

// One lane of units on the way back: s is saved values in, da out. dh, dc and dreset_h hold the
// gradients that arrive at step t and, after the last phase, what flows on to step t-1. The
// gradient by memory_decay is the sum of dmemory_decay over the units.
template <class V>
struct BackwardUnit {
  V s[kMaxSlots];
  V h_prev, c_prev, c;
  V h_in;
  V dh, dc, dreset_h;
  V dh_in;
  V peephole[3];
  V memory_decay, dmemory_decay;
};

}  // namespace tidegate
