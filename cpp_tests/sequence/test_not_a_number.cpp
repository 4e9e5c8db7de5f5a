// NaN and infinity travel through the recurrence and stay in their own row of the batch.
#include <limits>

#include "support/layer_check.hpp"

using namespace tidegate_test;

template <class T>
static void check_row(const Shape& s, T poison, bool must_spread) {
  const auto clean = random_arrays<T>(s, 51);
  const Index bad_row = 1, bad_step = 2;
  auto poisoned = clean;
  poisoned.x[at((bad_step * s.batch + bad_row) * s.inputs)] = poison;
  Engine<T> engine(s, clean), other(s, poisoned);
  const auto expected = engine.forward(), actual = other.forward();
  for (Index t = 0; t < s.steps; ++t) {
    for (Index b = 0; b < s.batch; ++b) {
      for (Index unit = 0; unit < s.units; ++unit) {
        const std::size_t k = at((t * s.batch + b) * s.units + unit);
        if (b != bad_row || t < bad_step) {
          CHECK(same_bits(actual.y[k], expected.y[k]));
        } else if (must_spread) {
          CHECK(std::isnan(actual.y[k]));
        }
      }
    }
  }
}
TEST(not_a_number_stays_in_its_row) {
  for (const CellConfig& config : all_cells()) {
    const Shape s{config, 5, 9, 3, 19};
    check_row<float>(s, std::numeric_limits<float>::quiet_NaN(), true);
    check_row<double>(s, std::numeric_limits<double>::quiet_NaN(), true);
    check_row<float>(s, std::numeric_limits<float>::infinity(), false);
    check_row<double>(s, -std::numeric_limits<double>::infinity(), false);
  }
}

// A NaN that arrives from above reaches every weight, and dx of its own row only.
TEST(not_a_number_from_above) {
  for (const CellConfig& config : all_cells()) {
    const Shape s{config, 4, 3, 3, 19};
    const auto arrays = random_arrays<double>(s, 52);
    auto upstream = random_upstream<double>(s, 53);
    Engine<double> engine(s, arrays);
    engine.forward();
    const auto expected = engine.backward(upstream);
    const Index bad_row = 2, bad_step = 3;
    upstream.y[at((bad_step * s.batch + bad_row) * s.units + 4)] =
        std::numeric_limits<double>::quiet_NaN();
    engine.forward();
    const auto actual = engine.backward(upstream);
    for (Index r = 0; r < s.steps * s.batch; ++r) {
      for (Index k = 0; k < s.inputs; ++k) {
        const double dx = actual.x[at(r * s.inputs + k)];
        CHECK(r % s.batch == bad_row ? std::isnan(dx) : dx == expected.x[at(r * s.inputs + k)]);
      }
    }
    CHECK(std::isnan(actual.weight_hh[at(4 * s.units)]));
    CHECK(std::isnan(actual.weight_ih[at(4 * s.inputs)]));
  }
}

// An infinite input saturates its gates, whose slopes are 0: gradients stay finite, but for the
// weights that multiplied it (0 * inf). Padding units see the same input through weights of 0.
template <class T>
static void check_infinite_input(const Shape& s) {
  auto arrays = random_arrays<T>(s, 54);
  const Index bad_input = 1;
  arrays.x[at((1 * s.batch + 1) * s.inputs + bad_input)] = std::numeric_limits<T>::infinity();
  Engine<T> engine(s, arrays);
  engine.forward();
  auto gradients = engine.backward(random_upstream<T>(s, 55));
  for (const auto& [name, gradient] : gradients.fields()) {
    const bool by_input = gradient == &gradients.weight_ih;
    for (std::size_t k = 0; k < gradient->size(); ++k) {
      if (by_input && static_cast<Index>(k) % s.inputs == bad_input) continue;
      if (std::isfinite((*gradient)[k])) continue;
      return report_difference<T>(s, name, k, (*gradient)[k], 0);
    }
  }
}
TEST(infinity_does_not_reach_gradients_through_the_padding) {
  for (const CellConfig& config : all_cells()) {
    if (config.layer_norm) continue;  // the mean of a row with an infinity is one
    for (const Index units : {1, 5, 16, 19, 33}) {
      check_infinite_input<float>({config, 4, 3, 3, units});
      check_infinite_input<double>({config, 4, 3, 3, units});
    }
  }
}
