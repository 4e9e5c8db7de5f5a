// Same bits at any thread count: outputs, states and gradients of 1, 2, 3 and 4 threads.
#include "support/layer_check.hpp"

using namespace tidegate_test;

// How many of the thread counts above 1 the schedule really used.
template <class T>
static int count_teams(const Shape& s) {
  const auto arrays = random_arrays<T>(s, 31);
  const auto upstream = random_upstream<T>(s, 32);
  Engine<T> alone(s, arrays);
  const auto expected = alone.forward();
  auto gradients = alone.backward(upstream);
  int teams = 0;
  for (int threads = 2; threads <= 4; ++threads) {
    const bool returns_y = threads != 3;
    Engine<T> shared(s, arrays, {threads, true, returns_y, {}});
    teams += shared.threads_used() > 1;
    const auto actual = shared.forward();
    CHECK(!returns_y || same_bits(actual.y, expected.y));
    CHECK(same_bits(actual.h_last, expected.h_last) && same_bits(actual.c_last, expected.c_last));
    const auto state = Engine<T>(s, arrays, {threads, false, returns_y, {}}).forward();
    CHECK(same_bits(state.h_last, expected.h_last) && same_bits(state.c_last, expected.c_last));
    auto again = shared.backward(upstream);
    for (std::size_t k = 0; k < again.fields().size(); ++k) {
      CHECK(same_bits(*again.fields()[k].second, *gradients.fields()[k].second));
    }
  }
  return teams;
}

// Wide layers with few rows are divided by units, batches of narrow layers by rows.
template <class T>
static void check_cells() {
  for (const CellConfig& config : all_cells()) {
    CHECK(count_teams<T>({config, 100, 3, 5, 125}) > 0);
    CHECK(count_teams<T>({config, 100, 25, 17, 35}) > 0);
  }
}
TEST(threads_change_no_bit_float) { check_cells<float>(); }
TEST(threads_change_no_bit_double) { check_cells<double>(); }

// Fewer groups of units than threads, so that both are divided, or some threads have nothing.
TEST(threads_more_than_there_is_work_for) {
  constexpr Index lanes = tidegate::Lane<double>::kSize;
  for (const CellConfig& config : all_cells()) {
    count_teams<double>({config, 100, 1, 150, 2 * lanes});
    count_teams<double>({config, 100, 2, 150, 3 * lanes});
    count_teams<double>({config, 100, 7, 3, 4 * lanes - 1});
  }
}
