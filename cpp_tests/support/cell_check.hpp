// A cell's forward() against the textbook, its backward() against central differences of the
// textbook in long double: a layer with T = B = I = H = 1 and x = 1 in every place of a lane.
#pragma once

#include "support/unit_step.hpp"
#include "test.hpp"

namespace tidegate_test {

constexpr long double kDifferenceStep = 1e-6L;
constexpr double kForwardError = 2e-14;
constexpr double kDifferenceError = 2e-9;  // of the differences, not of the engine

// Place k of the lanes as the arrays of a layer.
template <class Inputs>
LayerArrays<long double> place_of(const Shape& s, const Inputs& in, Index k) {
  const auto taken = [k](const Lane<double>* lanes, Index count) {
    std::vector<long double> values;
    for (Index e = 0; e < count; ++e) {
      double stored[Lane<double>::kSize];
      lanes[e].store(stored);
      values.push_back(stored[k]);
    }
    return values;
  };
  LayerArrays<long double> arrays;
  arrays.weight_ih = taken(in.input, s.gates());
  arrays.weight_hh = taken(in.recurrent, s.gates());
  arrays.bias_hh = taken(in.bias, s.gates());
  arrays.peephole = taken(in.peephole, s.peephole_size());
  arrays.h0 = taken(&in.h0, 1);
  if (s.has_c()) arrays.c0 = taken(&in.c0, 1);
  return arrays;
}

inline LayerOutputs<long double> step_of(const Shape& s, LayerArrays<long double> arrays) {
  arrays.x = {1};
  return Textbook<long double>(s, arrays).forward();
}

inline void check_differences(const Shape& s, LayerArrays<long double> arrays,
                              LayerArrays<long double> actual, long double dh, long double dc) {
  const auto loss = [&] {
    const auto out = step_of(s, arrays);
    return dh * out.h_last[0] + (s.has_c() ? dc * out.c_last[0] : 0);
  };
  for (std::size_t k = 0; k < LayerArrays<double>::kCount; ++k) {
    std::vector<long double>& field = *arrays.fields()[k].second;
    for (std::size_t e = 0; e < field.size(); ++e) {
      const long double here = field[e];
      field[e] = here + kDifferenceStep;
      const long double above = loss();
      field[e] = here - kDifferenceStep;
      const long double below = loss();
      field[e] = here;
      const double expected = static_cast<double>((above - below) / (2 * kDifferenceStep));
      const double got = static_cast<double>((*actual.fields()[k].second)[e]);
      if (is_near(got, expected, kDifferenceError)) continue;
      std::ostringstream text;
      text << describe(s) << ": d" << arrays.fields()[k].first << "[" << e << "] is " << got
           << "; expected " << expected;
      record_failure(__FILE__, __LINE__, text.str());
    }
  }
}

template <class Cell>
void check_unit_step(const Cell& cell, const Shape& s, std::uint64_t seed) {
  using V = Lane<double>;
  Random random(seed);
  const auto draw = [&] { return V::load(random.values<double>(V::kSize).data()); };
  UnitStep<Cell> unit{};
  unit.cell = cell;
  for (V* lanes : {unit.in.input, unit.in.recurrent, unit.in.bias}) {
    for (int g = 0; g < 4; ++g) lanes[g] = draw();
  }
  for (V& peephole : unit.in.peephole) peephole = draw();
  unit.in.h0 = draw();
  unit.in.c0 = draw();
  const V dh = draw(), dc = draw();
  unit.forward();
  const auto gradients = unit.backward(dh, dc);
  CHECK(unit.keeps_other_slots);

  double h[V::kSize], c[V::kSize], dhs[V::kSize], dcs[V::kSize];
  unit.forward_unit.h.store(h);
  unit.forward_unit.c.store(c);
  dh.store(dhs);
  dc.store(dcs);
  for (Index k = 0; k < V::kSize; ++k) {
    const auto arrays = place_of(s, unit.in, k);
    const auto expected = step_of(s, arrays);
    CHECK_NEAR(h[k], expected.h_last[0], kForwardError);
    if (s.has_c()) CHECK_NEAR(c[k], expected.c_last[0], kForwardError);
    check_differences(s, arrays, place_of(s, gradients, k), dhs[k], dcs[k]);
  }
}

// All activations in every place of the cell that `config` describes, a few draws each.
inline void check_cell(CellConfig config) {
  std::uint64_t seed = 0;
  for (int input = 0; input < 4; ++input) {
    for (int recurrent = 0; recurrent < 4; ++recurrent) {
      for (int output = 0; output < 4; ++output) {
        config.activations.input.kind = static_cast<ActivationKind>(input);
        config.activations.recurrent.kind = static_cast<ActivationKind>(recurrent);
        config.activations.output.kind = static_cast<ActivationKind>(output);
        const Shape s{config, 1, 1, 1, 1};
        tidegate::visit_cell(config, [&](const auto& cell) {
          for (int draw = 0; draw < 3; ++draw) check_unit_step(cell, s, ++seed);
        });
      }
    }
  }
}

}  // namespace tidegate_test
