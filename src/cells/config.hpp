// The list of cells: which options select which cell type. Adding a cell adds one line to
// visit_cell_with, or to visit_cell if it is compiled with activations of its own choice.
#pragma once

#include "cells/coupled_lstm.hpp"
#include "cells/gru.hpp"
#include "cells/lstm.hpp"
#include "cells/rnn.hpp"
#include "cells/time_lstm.hpp"

namespace tidegate {

enum class CellKind { kLstm, kGru, kRnn };
// Which gate of an LSTM is one minus the other.
enum class Coupled { kNone, kInput, kForget };

struct CellConfig {
  CellKind kind = CellKind::kLstm;
  Peephole peephole = Peephole::kNone;
  bool reset_after = true;
  bool retain = true;
  CellActivations activations;
  Coupled coupled = Coupled::kNone;
  bool decays_memory = false;  // of an LSTM, without peepholes or coupled gates
  bool layer_norm = false;
};

// One version of each, with activations as values: a gate less pays for the branches.
template <class F>
auto visit_coupled(const CellConfig& c, const F& f) {
  const CellActivations act = c.activations.limited();
  const Blend update{c.coupled == Coupled::kInput};
  using A = CellActivations;
  if (c.peephole == Peephole::kDiagonal) {
    return f(CoupledLstmCell<Peephole::kDiagonal, A>{act, update});
  }
  if (c.peephole == Peephole::kFull) return f(CoupledLstmCell<Peephole::kFull, A>{act, update});
  return f(CoupledLstmCell<Peephole::kNone, A>{act, update});
}

template <class F>
auto visit_time_lstm(const CellConfig& c, const F& f) {
  const bool usual = c.activations.are_inlined(ActivationKind::kTanh);
  if (usual) return f(TimeLstmCell<UsualActivations>{});
  return f(TimeLstmCell<CellActivations>{c.activations.limited()});
}

// Calls f(cell) with the cell object that the options describe, which holds `activations`.
template <class Activations, class F>
auto visit_cell_with(const Activations& activations, const CellConfig& c, const F& f) {
  using A = Activations;
  if (c.kind == CellKind::kRnn) return f(RnnCell<A>{activations});
  if (c.kind == CellKind::kGru) {
    return c.reset_after ? f(GruResetAfterCell<A>{activations, {c.retain}})
                         : f(GruResetBeforeCell<A>{activations, {c.retain}});
  }
  if (c.coupled != Coupled::kNone) return visit_coupled(c, f);
  if (c.peephole == Peephole::kDiagonal) return f(LstmCell<Peephole::kDiagonal, A>{activations});
  if (c.peephole == Peephole::kFull) return f(LstmCell<Peephole::kFull, A>{activations});
  return f(LstmCell<Peephole::kNone, A>{activations});
}

// relu is the most frequent choice after tanh: the plain cells are compiled with it.
template <class F>
auto visit_relu_cell(const CellConfig& c, const F& f) {
  using A = ReluActivations;
  if (c.kind == CellKind::kRnn) return f(RnnCell<A>{});
  if (c.kind == CellKind::kGru && c.reset_after) return f(GruResetAfterCell<A>{{}, {c.retain}});
  const bool plain = c.peephole == Peephole::kNone && c.coupled == Coupled::kNone;
  if (c.kind == CellKind::kLstm && plain) return f(LstmCell<Peephole::kNone, A>{});
  return visit_cell_with(c.activations.limited(), c, f);
}

// Cells with activations as types, where they are compiled; else as values.
template <class F>
auto visit_cell(const CellConfig& c, const F& f) {
  if (c.decays_memory) return visit_time_lstm(c, f);
  const CellActivations& act = c.activations;
  if (act.are_inlined(ActivationKind::kTanh)) return visit_cell_with(UsualActivations{}, c, f);
  if (act.are_inlined(ActivationKind::kRelu)) return visit_relu_cell(c, f);
  return visit_cell_with(act.limited(), c, f);
}

}  // namespace tidegate
