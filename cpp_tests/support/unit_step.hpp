// One step of one unit of one row in every place of a lane, driven by the cell's own plan: the time
// loop in miniature, where every matrix is a number. Only the cell's arithmetic is on trial.
#pragma once

#include <limits>

#include "cells/cell.hpp"
#include "support/textbook.hpp"

namespace tidegate_test {

using tidegate::Lane;
using tidegate::Matrix;
using tidegate::Operand;
using tidegate::Term;

template <class Cell>
struct UnitStep {
  using V = Lane<double>;

  // By gate: W x, R, b_hh; then the peephole's rows and the state before the step.
  struct Inputs {
    V input[4], recurrent[4], bias[4], peephole[3], h0, c0;
  };

  Cell cell;
  Inputs in;
  tidegate::ForwardUnit<V> forward_unit;
  tidegate::BackwardUnit<V> backward_unit;
  bool keeps_other_slots = true;  // backward phases changed only the slots that they say they write

  void forward() {
    auto& u = forward_unit;
    const V nan(std::numeric_limits<double>::quiet_NaN());  // what the cell must not read
    u.h_prev = u.h_in = Cell::kUsesHPrev ? in.h0 : nan;
    u.c_prev = Cell::kStates == 2 ? in.c0 : nan;
    u.c = u.h = u.reset_h = nan;
    for (int q = 0; q < 3; ++q) u.peephole[q] = Cell::kDiagonal ? in.peephole[q] : nan;
    for (int s = 0; s < Cell::kSlots; ++s) {
      u.a[s] = s < Cell::kInputSlots ? in.input[Cell::kInputGate[s]] : V(0.0);
    }
    for (int k = 0; k < Cell::kTermCount; ++k) {
      const Term& term = Cell::kTerms[k];
      if (term.matrix != Matrix::kRecurrent) continue;
      for (int s = 0; s < term.slots; ++s) {
        u.a[term.slot + s] = u.a[term.slot + s] + in.bias[term.gate + s];
      }
    }
    forward_phase<0>();
    if constexpr (Cell::kPhases == 2) forward_phase<1>();
  }

  // Returns the gradients of dh*h + dc*c; forward() ran before.
  Inputs backward(const V& dh, const V& dc) {
    auto& u = backward_unit;
    const auto& saved = forward_unit;
    for (int s = 0; s < Cell::kSlots; ++s) u.s[s] = saved.a[s];
    u.h_prev = u.h_in = saved.h_prev;
    u.c_prev = saved.c_prev;
    u.c = saved.c;
    u.dh = dh;
    u.dc = dc;
    u.dreset_h = V(0.0);
    for (int q = 0; q < 3; ++q) u.peephole[q] = saved.peephole[q];
    backward_phase<0>();
    if constexpr (Cell::kPhases == 2) {
      add_terms(Operand::kC, u.dc);
      add_terms(Operand::kResetH, u.dreset_h);
      u.dh_in = u.dh;
      backward_phase<1>();
    }
    return gradients();
  }

 private:
  V weight_of(const Term& term, int s) const {
    return term.matrix == Matrix::kRecurrent ? in.recurrent[term.gate + s]
                                             : in.peephole[term.gate + s];
  }
  V operand_value(Operand operand) const {
    switch (operand) {
      case Operand::kCPrev:
        return in.c0;
      case Operand::kC:
        return forward_unit.c;
      case Operand::kResetH:
        return forward_unit.reset_h;
      case Operand::kHPrev:
        break;
    }
    return in.h0;
  }

  template <int phase>
  void forward_phase() {
    for (int k = 0; k < Cell::kTermCount; ++k) {
      const Term& term = Cell::kTerms[k];
      for (int s = 0; s < term.slots && term.phase == phase; ++s) {
        V& a = forward_unit.a[term.slot + s];
        a = a + weight_of(term, s) * operand_value(term.operand);
      }
    }
    cell.template forward<phase>(forward_unit);
  }

  template <int phase>
  void backward_phase() {
    double before[tidegate::kMaxSlots][V::kSize], after[V::kSize];
    for (int s = 0; s < Cell::kSlots; ++s) backward_unit.s[s].store(before[s]);
    cell.template backward<phase>(backward_unit);
    for (int s = 0; s < Cell::kSlots; ++s) {
      backward_unit.s[s].store(after);
      for (Index k = 0; k < V::kSize && (Cell::kWrites[phase] >> s & 1u) == 0; ++k) {
        keeps_other_slots = keeps_other_slots && same_bits(after[k], before[s][k]);
      }
    }
  }

  // d(operand) += weight * da for the terms that multiply it.
  void add_terms(Operand operand, V& d) const {
    for (int k = 0; k < Cell::kTermCount; ++k) {
      const Term& term = Cell::kTerms[k];
      for (int s = 0; s < term.slots && term.operand == operand; ++s) {
        d = d + weight_of(term, s) * backward_unit.s[term.slot + s];
      }
    }
  }

  Inputs gradients() const {
    const auto& da = backward_unit.s;
    Inputs d{};
    for (int s = 0; s < Cell::kInputSlots; ++s) d.input[Cell::kInputGate[s]] = da[s];
    for (int k = 0; k < Cell::kTermCount; ++k) {
      const Term& term = Cell::kTerms[k];
      for (int s = 0; s < term.slots; ++s) {
        const bool recurrent = term.matrix == Matrix::kRecurrent;
        V& by_weight = recurrent ? d.recurrent[term.gate + s] : d.peephole[term.gate + s];
        by_weight = da[term.slot + s] * operand_value(term.operand);
        if (recurrent) d.bias[term.gate + s] = da[term.slot + s];
      }
    }
    if constexpr (Cell::kDiagonal) {
      d.peephole[0] = da[0] * in.c0;
      d.peephole[1] = da[1] * in.c0;
      d.peephole[2] = da[3] * forward_unit.c;
    }
    d.h0 = !Cell::kCarriesDh ? V(0.0) : Cell::kUsesResetH ? backward_unit.dh_in : backward_unit.dh;
    d.c0 = Cell::kStates == 2 ? backward_unit.dc : V(0.0);
    add_terms(Operand::kHPrev, d.h0);
    add_terms(Operand::kCPrev, d.c0);
    return d;
  }
};

}  // namespace tidegate_test
