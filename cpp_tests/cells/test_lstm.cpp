#include "cells/lstm.hpp"

#include "support/cell_check.hpp"

using namespace tidegate_test;

TEST(lstm_cell_without_peephole) { check_cell({CellKind::kLstm, Peephole::kNone, true, true, {}}); }

TEST(lstm_cell_with_diagonal_peephole) {
  check_cell({CellKind::kLstm, Peephole::kDiagonal, true, true, {}});
}

TEST(lstm_cell_with_full_peephole) {
  check_cell({CellKind::kLstm, Peephole::kFull, true, true, {}});
}
