// The judge on trial: gradients of the tape against central differences of the same loop in long
// double, and a step worked out by hand.
#include "support/textbook.hpp"

#include "test.hpp"

using namespace tidegate_test;

static long double loss(const Shape& s, const LayerArrays<long double>& arrays,
                        const LayerOutputs<double>& upstream) {
  const auto out = Textbook<long double>(s, arrays).forward();
  long double sum = 0;
  for (std::size_t k = 0; k < out.y.size(); ++k) sum += upstream.y[k] * out.y[k];
  for (std::size_t k = 0; k < out.h_last.size(); ++k) sum += upstream.h_last[k] * out.h_last[k];
  for (std::size_t k = 0; k < out.c_last.size(); ++k) sum += upstream.c_last[k] * out.c_last[k];
  return sum;
}

static void check_differences(const std::vector<bool>& mask, bool hold) {
  constexpr long double step = 1e-6L;
  for (const CellConfig& config : all_cells()) {
    const Shape s{config, 3, 2, 2, 3, mask, hold};
    const auto arrays = random_arrays<double>(s, 1);
    const auto upstream = random_upstream<double>(s, 2);
    auto gradients = textbook_gradients(s, arrays, upstream);
    auto moved = converted<long double>(arrays);
    for (std::size_t k = 0; k < LayerArrays<double>::kCount; ++k) {
      std::vector<long double>& field = *moved.fields()[k].second;
      for (std::size_t e = 0; e < field.size(); ++e) {
        const long double here = field[e];
        field[e] = here + step;
        const long double above = loss(s, moved, upstream);
        field[e] = here - step;
        const long double below = loss(s, moved, upstream);
        field[e] = here;
        CHECK_NEAR((*gradients.fields()[k].second)[e], (above - below) / (2 * step), 1e-8);
      }
    }
  }
}
TEST(textbook_gradients_match_finite_differences) { check_differences({}, false); }
TEST(textbook_gradients_of_masked_steps_match_finite_differences) {
  const std::vector<bool> mask = {true, false, true, false, true, false};
  check_differences(mask, false);
  check_differences(mask, true);
}

// H = I = 1, x = 1, every weight 0 but those named, so that the numbers can be followed on paper.
TEST(textbook_lstm_step_by_hand) {
  const Shape s{{CellKind::kLstm, Peephole::kDiagonal, true, true, {}}, 1, 1, 1, 1};
  LayerArrays<double> w;
  w.weight_ih = {0, 0, 0.5, 0};          // a_g = 0.5 x
  w.weight_hh = {0, 0, 0, 1};            // a_o = h
  w.bias_ih = w.bias_hh = {0, 0, 0, 0};  // i = σ(0) = 1/2
  w.peephole = {0, 1, 2};                // f = σ(c), o = σ(h + 2 c')
  w.x = {1};
  w.h0 = {0.25};
  w.c0 = {1};
  const auto out = Textbook<double>(s, w).forward();
  const double c = 1 / (1 + std::exp(-1.0)) + 0.5 * std::tanh(0.5);
  CHECK_NEAR(out.c_last[0], c, 1e-15);
  CHECK_NEAR(out.y[0], std::tanh(c) / (1 + std::exp(-(0.25 + 2 * c))), 1e-15);
}

TEST(textbook_gru_step_by_hand) {
  LayerArrays<double> w;
  w.weight_ih = {0, 0, 1};
  w.weight_hh = {0, 0, 2};
  w.bias_ih = {0, std::log(3.0), 0};  // z = 3/4, r = 1/2
  w.bias_hh = {0, 0, 0.5};
  w.x = {0.25};
  w.h0 = {0.5};
  const auto h_of = [&](bool reset_after, bool retain) {
    const Shape s{{CellKind::kGru, Peephole::kNone, reset_after, retain, {}}, 1, 1, 1, 1};
    return Textbook<double>(s, w).forward().h_last[0];
  };
  const double after = std::tanh(0.25 + 0.5 * (2 * 0.5 + 0.5));
  const double before = std::tanh(0.25 + 2 * (0.5 * 0.5) + 0.5);
  CHECK_NEAR(h_of(true, true), 0.75 * 0.5 + 0.25 * after, 1e-15);
  CHECK_NEAR(h_of(true, false), 0.25 * 0.5 + 0.75 * after, 1e-15);
  CHECK_NEAR(h_of(false, true), 0.75 * 0.5 + 0.25 * before, 1e-15);
  CHECK_NEAR(h_of(false, false), 0.25 * 0.5 + 0.75 * before, 1e-15);
}

// x is 1 and h grows by h + x: 1, then a gap, then 3.
TEST(textbook_holds_the_state_over_a_gap) {
  CellConfig config{CellKind::kRnn, Peephole::kNone, true, true, {}};
  config.activations.input.kind = ActivationKind::kLinear;
  LayerArrays<double> w;
  w.weight_ih = w.weight_hh = {1};
  w.x = {5, 1, 7, 2};
  for (const bool hold : {false, true}) {
    const auto out =
        Textbook<double>({config, 4, 1, 1, 1, {false, true, false, true}, hold}, w).forward();
    CHECK((out.y == std::vector<double>{0, 1, hold ? 1.0 : 0.0, 3}));
    CHECK(out.h_last[0] == 3);
  }
}
