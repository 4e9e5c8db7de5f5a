#include "cells/gru.hpp"

#include "support/cell_check.hpp"

using namespace tidegate_test;

TEST(gru_cell_reset_after_retain) { check_cell({CellKind::kGru, Peephole::kNone, true, true, {}}); }

TEST(gru_cell_reset_after_replace) {
  check_cell({CellKind::kGru, Peephole::kNone, true, false, {}});
}

TEST(gru_cell_reset_before_retain) {
  check_cell({CellKind::kGru, Peephole::kNone, false, true, {}});
}

TEST(gru_cell_reset_before_replace) {
  check_cell({CellKind::kGru, Peephole::kNone, false, false, {}});
}

// An update gate at its ends passes one side through: nothing is lost in n + z (h - n).
TEST(gru_update_gate_at_its_ends) {
  const double h_prev = 0.3, n = -0.7;
  const tidegate::Blend retain{true}, replace{false};
  CHECK(retain.value(0.0, h_prev, n) == n && replace.value(0.0, h_prev, n) == h_prev);
  CHECK_NEAR(retain.value(1.0, h_prev, n), h_prev, 1e-16);
  CHECK_NEAR(replace.value(1.0, h_prev, n), n, 2e-16);
  CHECK(retain.to_old(2.0, 1.0) == 2 && retain.to_new(2.0, 1.0) == 0);
  CHECK(replace.to_old(2.0, 1.0) == 0 && replace.to_new(2.0, 1.0) == 2);
}
