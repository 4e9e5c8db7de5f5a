// Training that keeps some states and computes the rest again has the bits of one that keeps all.
#include "support/layer_check.hpp"

using namespace tidegate_test;

template <class T>
static void check_recomputation(const Shape& s, int threads) {
  const auto arrays = random_arrays<T>(s, 91);
  const auto upstream = random_upstream<T>(s, 92);
  Engine<T> whole(s, arrays);
  const auto expected = whole.forward();
  auto gradients = whole.backward(upstream);
  for (const Index every : {Index{1}, Index{3}, s.steps}) {
    EngineOptions options;
    options.threads = threads;
    options.recompute_every = every;
    Engine<T> pieces(s, arrays, options);
    const auto actual = pieces.forward();
    CHECK(same_bits(actual.y, expected.y));
    CHECK(same_bits(actual.h_last, expected.h_last) && same_bits(actual.c_last, expected.c_last));
    auto again = pieces.backward(upstream);
    for (std::size_t k = 0; k < again.fields().size(); ++k) {
      CHECK(same_bits(*again.fields()[k].second, *gradients.fields()[k].second));
    }
  }
}

TEST(recomputation_has_the_bits_of_one_pass) {
  for (const CellConfig& config : all_cells()) {
    check_recomputation<float>({config, 7, 2, 3, 19}, 1);
    check_recomputation<double>({config, 11, 9, 2, 5}, 2);
  }
}

TEST(recomputation_of_a_ragged_batch) {
  const Index steps = 8, batch = 4;
  std::vector<bool> mask(at(steps * batch), true);
  for (Index t = 3; t < steps; ++t) mask[at(1 * steps + t)] = false;  // ends early
  mask[at(2 * steps)] = mask[at(2 * steps + 4)] = false;              // a gap at the start, and one
  for (Index t = 0; t < steps; ++t) mask[at(3 * steps + t)] = false;  // never runs
  for (const CellConfig& config : all_cells()) {
    check_recomputation<float>({config, steps, batch, 3, 18, mask, true}, 2);
    check_recomputation<double>({config, steps, batch, 3, 18, mask, false}, 1);
  }
}
