// The cells by the names that Python gives them.
#pragma once

#include <string>

#include "base/check.hpp"
#include "cells/config.hpp"

namespace tidegate {

inline CellKind cell_kind_from(const std::string& cell) {
  if (cell == "lstm") return CellKind::kLstm;
  if (cell == "gru") return CellKind::kGru;
  CHECK_ARG(cell == "rnn", "core: cell \"" << cell << "\" is unknown.");
  return CellKind::kRnn;
}

}  // namespace tidegate
