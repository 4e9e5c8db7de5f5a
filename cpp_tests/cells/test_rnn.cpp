#include "cells/rnn.hpp"

#include "support/cell_check.hpp"

using namespace tidegate_test;

TEST(rnn_cell) { check_cell({CellKind::kRnn, Peephole::kNone, true, true, {}}); }
