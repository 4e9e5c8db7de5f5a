// Cells under layer normalisation (sequence/layer_norm.hpp). Their products arrive normalised, so
// the equations stay as they are, but for an LSTM's h = o∘tanh(LN(c)): that needs c of all units
// first. So the epilogue of its gates takes what tanh gives as given, and the time loop sends the
// gradient by c through tanh and LN.
#pragma once

#include "cells/config.hpp"

namespace tidegate {

template <class Cell>
struct Normalized : Cell {};

template <class Cell>
inline constexpr bool kNormalizes = false;
template <class Cell>
inline constexpr bool kNormalizes<Normalized<Cell>> = true;
template <class Cell>
inline constexpr bool kNormalizesC = kNormalizes<Cell> && Cell::kStates == 2;

// Calls f(cell) with the cell that the options describe. Activations are values: a branch each is
// little beside the sums over all units, and cells are much to compile.
template <class F>
auto visit_normalized_cell(const CellConfig& c, const F& f) {
  using A = CellActivations;
  const A act = c.activations.limited();
  if (c.kind == CellKind::kRnn) return f(Normalized<RnnCell<A>>{{act}});
  if (c.kind == CellKind::kGru) return f(Normalized<GruResetAfterCell<A>>{{act, {c.retain}}});
  const bool diagonal = c.peephole == Peephole::kDiagonal;
  if (c.coupled != Coupled::kNone) {
    const Blend update{c.coupled == Coupled::kInput};
    return diagonal ? f(Normalized<CoupledLstmCell<Peephole::kDiagonal, A>>{{act, update}})
                    : f(Normalized<CoupledLstmCell<Peephole::kNone, A>>{{act, update}});
  }
  return diagonal ? f(Normalized<LstmCell<Peephole::kDiagonal, A>>{{act}})
                  : f(Normalized<LstmCell<Peephole::kNone, A>>{{act}});
}

// An output activation whose value is known, and whose slope is somebody else's business.
template <class T>
struct Given {
  Lane<T> squashed;

  const Lane<T>& value(const Lane<T>& /*c*/) const { return squashed; }
  Lane<T> slope(const Lane<T>& /*y*/) const { return Lane<T>(T(0)); }
};
template <class Activations, class T>
struct GivenOutput {
  const Activations& all;
  Given<T> output;
  const decltype(Activations::input)& input = all.input;
  const decltype(Activations::recurrent)& recurrent = all.recurrent;

  Lane<T> limited_c(const Lane<T>& c) const { return all.limited_c(c); }
  Lane<T> limited_dc(const Lane<T>& dc, const Lane<T>& c) const { return all.limited_dc(dc, c); }
};

// The LSTM with what its output activation gives.
template <Peephole peephole, class A, class T>
auto with_output(const LstmCell<peephole, A>& cell, const Lane<T>& squashed) {
  return LstmCell<peephole, GivenOutput<A, T>>{{cell.act, {squashed}}};
}
template <Peephole peephole, class A, class T>
auto with_output(const CoupledLstmCell<peephole, A>& cell, const Lane<T>& squashed) {
  return CoupledLstmCell<peephole, GivenOutput<A, T>>{{cell.act, {squashed}}, cell.update};
}

}  // namespace tidegate
