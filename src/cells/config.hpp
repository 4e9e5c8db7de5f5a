// The list of cells: which options select which cell type. Adding a cell adds one line to
// visit_cell.
#pragma once

#include "cells/gru.hpp"
#include "cells/lstm.hpp"
#include "cells/rnn.hpp"

namespace tidegate {

enum class CellKind { kLstm, kGru, kRnn };

struct CellConfig {
  CellKind kind = CellKind::kLstm;
  Peephole peephole = Peephole::kNone;
  bool reset_after = true;
  bool retain = true;
  CellActivations activations;
};

// Calls f(cell) with the cell object that the options describe, which holds `activations`.
template <class Activations, class F>
auto visit_cell_with(const Activations& activations, const CellConfig& c, const F& f) {
  using A = Activations;
  if (c.kind == CellKind::kRnn) return f(RnnCell<A>{activations});
  if (c.kind == CellKind::kGru) {
    return c.reset_after ? f(GruResetAfterCell<A>{activations, {c.retain}})
                         : f(GruResetBeforeCell<A>{activations, {c.retain}});
  }
  if (c.peephole == Peephole::kDiagonal) return f(LstmCell<Peephole::kDiagonal, A>{activations});
  if (c.peephole == Peephole::kFull) return f(LstmCell<Peephole::kFull, A>{activations});
  return f(LstmCell<Peephole::kNone, A>{activations});
}

// The same with the usual activations as types, others as values.
template <class F>
auto visit_cell(const CellConfig& c, const F& f) {
  return c.activations.usual() ? visit_cell_with(UsualActivations{}, c, f)
                               : visit_cell_with(c.activations, c, f);
}

}  // namespace tidegate
