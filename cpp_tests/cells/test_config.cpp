// The list of cells, and what the time loop takes for granted of each cell's plan.
#include "cells/config.hpp"

#include <type_traits>

#include "support/layer_arrays.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::Matrix;
using tidegate::Operand;
using tidegate::Term;

// The cell type that visit_cell chose, by an index of the types.
template <class... Cells>
static int index_of(const CellConfig& config) {
  int found = -1;
  tidegate::visit_cell(config, [&](const auto& cell) {
    int k = 0;
    ((found = std::is_same_v<std::decay_t<decltype(cell)>, Cells> ? k : found, ++k), ...);
  });
  return found;
}
template <class A>
static int chosen(const CellConfig& config) {
  using namespace tidegate;
  return index_of<LstmCell<Peephole::kNone, A>, LstmCell<Peephole::kDiagonal, A>,
                  LstmCell<Peephole::kFull, A>, GruResetAfterCell<A>, GruResetBeforeCell<A>,
                  RnnCell<A>>(config);
}

TEST(config_options_select_the_cell) {
  const auto cells = plain_cells();
  const int expected[] = {0, 1, 2, 3, 3, 4, 4, 5};
  for (std::size_t k = 0; k < cells.size(); ++k) {
    CHECK(chosen<tidegate::UsualActivations>(cells[k]) == expected[k]);
    for (const int place : {0, 1, 2}) {
      CellConfig other = cells[k];
      auto& a = other.activations;
      (place == 0 ? a.input : place == 1 ? a.recurrent : a.output).kind = ActivationKind::kRelu;
      CHECK(chosen<tidegate::CellActivations>(other) == expected[k]);
    }
    CellConfig relu = cells[k];
    relu.activations.input.kind = relu.activations.output.kind = ActivationKind::kRelu;
    const bool is_plain = expected[k] == 0 || expected[k] == 3 || expected[k] == 5;
    CHECK(chosen<tidegate::ReluActivations>(relu) == (is_plain ? expected[k] : -1));
    CHECK(chosen<tidegate::CellActivations>(relu) == (is_plain ? -1 : expected[k]));
    relu.activations.clip = 1;
    CHECK(chosen<tidegate::CellActivations>(relu) == expected[k]);
  }
}

TEST(config_reaches_the_cell) {
  CellConfig config{CellKind::kGru, Peephole::kNone, true, false, {}};
  config.activations.input.kind = ActivationKind::kRelu;
  config.activations.recurrent.kind = ActivationKind::kLinear;
  config.activations.output.kind = ActivationKind::kSigmoid;
  for (const CellKind kind : {CellKind::kLstm, CellKind::kGru, CellKind::kRnn}) {
    config.kind = kind;
    tidegate::visit_cell_with(config.activations, config, [&](const auto& cell) {
      CHECK(cell.act.input.kind == ActivationKind::kRelu);
      CHECK(cell.act.recurrent.kind == ActivationKind::kLinear);
      CHECK(cell.act.output.kind == ActivationKind::kSigmoid);
    });
  }
  for (const bool reset_after : {true, false}) {
    for (const bool retain : {true, false}) {
      const auto kept = tidegate::visit_cell(
          {CellKind::kGru, Peephole::kNone, reset_after, retain, {}}, [](const auto& cell) {
            if constexpr (std::decay_t<decltype(cell)>::kSlots == 1 ||
                          std::decay_t<decltype(cell)>::kStates == 2) {
              return -1;
            } else {
              return static_cast<int>(cell.update.retain);
            }
          });
      CHECK(kept == static_cast<int>(retain));
    }
  }
}

// Every gate's recurrent rows are used once, every slot is written back once, and phases follow
// what their operands need.
template <class Cell>
static void check_plan() {
  unsigned gates = 0, written = 0;
  for (int k = 0; k < Cell::kTermCount; ++k) {
    const Term& term = Cell::kTerms[k];
    CHECK(term.phase < Cell::kPhases && term.slot >= 0 && term.slot + term.slots <= Cell::kSlots);
    CHECK(term.phase == (term.operand == Operand::kC || term.operand == Operand::kResetH));
    for (int s = 0; s < term.slots && term.matrix == Matrix::kRecurrent; ++s) {
      CHECK((gates >> (term.gate + s) & 1u) == 0);
      gates |= 1u << (term.gate + s);
    }
  }
  for (int phase = 0; phase < Cell::kPhases; ++phase) written |= Cell::kWrites[phase];
  CHECK(gates == (1u << Cell::kGates) - 1);
  CHECK(written == (1u << Cell::kSlots) - 1);
  CHECK(Cell::kSlots <= tidegate::kMaxSlots && Cell::kInputSlots == Cell::kGates);
}
TEST(config_plans_are_complete) {
  for (const CellConfig& config : all_cells()) {
    tidegate::visit_cell(config,
                         [](const auto& cell) { check_plan<std::decay_t<decltype(cell)>>(); });
  }
  check_plan<tidegate::TimeLstmCell<>>();
}
