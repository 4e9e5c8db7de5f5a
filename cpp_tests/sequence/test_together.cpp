// Passes together in one region give the bits of one after the other: side by side and stacked,
// whatever the team, the number of passes and the number of steps.
#include "sequence/together.hpp"

#include "sequence/progress.hpp"
#include "support/several_layers.hpp"
#include "test.hpp"

using namespace tidegate_test;

template <class T>
static void check(const std::vector<CellConfig>& configs, tidegate::Dims dims, Index inputs,
                  const std::vector<Index>& units) {
  for (const Order order : {Order::kIndependent, Order::kChained}) {
    for (const bool training : {false, true}) {
      SeveralLayers<T> layers(configs, dims, inputs, units, order);
      const auto expected = layers.run_calls(1, 1, training);
      for (int team = 2; team <= 4; ++team) {
        CHECK(same_arrays(layers.run_calls(team, team, training), expected));
      }
      CHECK(same_arrays(layers.run_calls(1, 3, training), expected));
      const bool stacks = std::none_of(configs.begin(), configs.end(),
                                       [](const CellConfig& c) { return c.decays_memory; });
      if (order == Order::kIndependent || !stacks) continue;
      for (int threads = 1; threads <= 4; ++threads) {
        CHECK(same_arrays(layers.run_stack(threads, training), expected));
      }
    }
  }
}

// Two of every cell; the pieces of 41 steps are not equal, one step is one piece.
template <class T>
static void check_cells() {
  for (const CellConfig& config : all_cells()) {
    check<T>({config, config}, {41, 1}, 3, {17, 21});
    check<T>({config, config}, {7, 5}, 4, {9, 33});
    check<T>({config, config}, {1, 1}, 1, {1, 1});
  }
}
TEST(together_is_one_after_the_other_float) { check_cells<float>(); }
TEST(together_is_one_after_the_other_double) { check_cells<double>(); }

// More passes than threads, of all kinds, and more threads than passes.
TEST(together_many_cells) {
  const auto cells = all_cells();
  std::vector<Index> units;
  for (std::size_t k = 0; k < cells.size(); ++k)
    units.push_back(1 + 7 * static_cast<Index>(k) % 40);
  check<float>(cells, {50, 2}, 3, units);
  check<double>({cells[0], cells[3], cells[7]}, {100, 3}, 5, {10, 20, 30});
  check<float>({cells[0]}, {30, 2}, 3, {8});
}

// Small layers at batch 1 are worth it, large ones and single ones are not.
TEST(together_is_chosen_for_small_layers) {
  const auto team = [](Index batch, Index units, std::size_t count, Order order, int threads) {
    const std::vector<CellConfig> configs(count);
    const std::vector<Index> all(count, units);
    return choose_team(SeveralLayers<float>(configs, {200, batch}, units, all, order).works(),
                       order, threads);
  };
  for (const Order order : {Order::kIndependent, Order::kChained}) {
    CHECK(team(1, 32, 2, order, 2) == 2);
    CHECK(team(1, 64, 4, order, 4) == 4);
    CHECK(team(1, 64, 4, order, 1) == 1);
    CHECK(team(1, 64, 1, order, 4) == 1);
    CHECK(team(64, 256, 2, order, 2) == 1);
    CHECK(team(1, 512, 2, order, 2) == 1);
  }
}

TEST(together_stack_of_small_layers_uses_a_team) {
  SeveralLayers<double> layers({{}, {}, {}}, {200, 1}, 16, {16, 16, 16}, Order::kChained);
  CHECK(choose_team(layers.works(), Order::kChained, 3) > 1);
  const auto expected = layers.run_calls(1, 1, true);
  for (int threads = 2; threads <= 4; ++threads) {
    CHECK(same_arrays(layers.run_stack(threads, true), expected));
  }
}

#ifdef _OPENMP
// A nested region grants one thread, which then owns every pass.
TEST(together_with_fewer_threads_than_asked_for) {
  bool same = false;
#pragma omp parallel num_threads(2)
  {
    SeveralLayers<float> layers({{}, {}, {}}, {40, 2}, 6, {16, 7, 20}, Order::kChained);
    const auto expected = layers.run_calls(1, 1, true);
    const auto actual = layers.run_calls(3, 3, true);
#pragma omp master
    same = same_arrays(actual, expected);
  }
  CHECK(same);
}
#endif
