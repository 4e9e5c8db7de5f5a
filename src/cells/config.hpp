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

// Calls f(cell) with the cell object that the options describe.
template <class F>
auto visit_cell(const CellConfig& c, const F& f) {
  if (c.kind == CellKind::kRnn) return f(RnnCell{c.activations});
  if (c.kind == CellKind::kGru) {
    return c.reset_after ? f(GruResetAfterCell{c.activations, {c.retain}})
                         : f(GruResetBeforeCell{c.activations, {c.retain}});
  }
  if (c.peephole == Peephole::kDiagonal) return f(LstmCell<Peephole::kDiagonal>{c.activations});
  if (c.peephole == Peephole::kFull) return f(LstmCell<Peephole::kFull>{c.activations});
  return f(LstmCell<Peephole::kNone>{c.activations});
}

}  // namespace tidegate
