// Ragged batches: every cell against the textbook, whatever stands at invalid steps; and the same
// bits on slices of the batch or of the units at any number of threads.
#include "support/layer_check.hpp"

using namespace tidegate_test;

// Row b: all steps, lengths, none, gaps, leading gaps, in turn.
static std::vector<bool> mixed_mask(Index steps, Index batch) {
  Random random(61);
  std::vector<bool> mask;
  for (Index b = 0; b < batch; ++b) {
    const auto length = static_cast<Index>(random.uniform(0, static_cast<double>(steps)));
    const auto coins = random.values<double>(steps);
    for (Index t = 0; t < steps; ++t) {
      const bool kinds[] = {true, t < length, false, coins[at(t)] > 0.2, t >= length};
      mask.push_back(kinds[b % 5]);
    }
  }
  return mask;
}

// NaN at the invalid steps of x and, where y is 0 there, of dy.
template <class T>
static void poison(const Shape& s, std::vector<T>& sequence, Index width) {
  for (Index t = 0; t < s.steps; ++t) {
    for (Index b = 0; b < s.batch; ++b) {
      if (s.valid(t, b)) continue;
      std::fill_n(sequence.begin() + (t * s.batch + b) * width, width,
                  std::numeric_limits<T>::quiet_NaN());
    }
  }
}

template <class T>
static void check_ragged(const Shape& s, const EngineOptions& options) {
  auto arrays = random_arrays<T>(s, 62);
  auto upstream = random_upstream<T>(s, 63);
  const auto expected = Textbook<double>(s, converted<double>(arrays)).forward();
  const auto gradients =
      textbook_gradients(s, converted<double>(arrays), converted<double>(upstream));
  poison(s, arrays.x, s.inputs);
  if (!s.hold) poison(s, upstream.y, s.units);
  Engine<T> engine(s, arrays, options);
  check_outputs(s, engine.forward(), expected);
  check_gradients(s, engine.backward(upstream), gradients);
  CHECK(!options.returns_y || engine.gaps_untouched());
}

template <class T>
static void check_cells() {
  constexpr Index lanes = tidegate::Lane<T>::kSize;
  const std::array<Index, 4> sizes[] = {{1, 2, 1, 1}, {7, 6, 3, lanes - 1}, {5, 11, 2, lanes + 3}};
  for (const CellConfig& config : all_cells()) {
    for (const auto& [steps, batch, inputs, units] : sizes) {
      for (const bool hold : {false, true}) {
        const Shape s{config, steps, batch, inputs, units, mixed_mask(steps, batch), hold};
        for (const bool reversed : {false, true}) {
          check_ragged<T>(s, {1, true, true, {reversed, reversed, 3}});
        }
        check_ragged<T>(s, {1, true, false, {}});
      }
    }
  }
}
TEST(ragged_layers_match_the_textbook_float) { check_cells<float>(); }
TEST(ragged_layers_match_the_textbook_double) { check_cells<double>(); }

// Chunks are shorter than the sequences, so that a slice of the batch may be a chunk ahead.
template <class T>
static void check_threads(const CellConfig& config, bool slice_batch) {
  const Index steps = 90, batch = 23;
  const Shape s{config, steps, batch, 5, 35, mixed_mask(steps, batch), false};
  const auto arrays = random_arrays<T>(s, 64);
  const auto upstream = random_upstream<T>(s, 65);
  Engine<T> alone(s, arrays);
  const auto expected = alone.forward();
  auto gradients = alone.backward(upstream);
  for (int threads = 2; threads <= 4; ++threads) {
    Engine<T> shared(s, arrays, {threads, true, true, {}});
    auto schedule = make_schedule(work_of(shared.weights, shared.rows()), threads, slice_batch);
    schedule.chunk = 8;
    const tidegate::ScheduleOverride chosen(schedule);
    CHECK(shared.threads_used() == threads);
    for (int run = 0; run < 3; ++run) {
      const auto actual = shared.forward();
      CHECK(same_bits(actual.y, expected.y));
      CHECK(same_bits(actual.h_last, expected.h_last) && same_bits(actual.c_last, expected.c_last));
      auto again = shared.backward(upstream);
      for (std::size_t k = 0; k < again.fields().size(); ++k) {
        CHECK(same_bits(*again.fields()[k].second, *gradients.fields()[k].second));
      }
    }
  }
}
TEST(ragged_layers_on_slices_of_the_batch_have_the_bits_of_one_thread) {
  for (const CellConfig& config : all_cells()) {
    check_threads<float>(config, true);
    check_threads<double>(config, true);
  }
}
TEST(ragged_layers_on_slices_of_the_units_have_the_bits_of_one_thread) {
  for (const CellConfig& config : all_cells()) {
    check_threads<float>(config, false);
    check_threads<double>(config, false);
  }
}
