// Calls among other threads: from several threads at once on shared weights, and from inside a
// parallel region, where the runtime grants fewer threads than were asked for.
#include <atomic>
#include <thread>

#include "support/layer_check.hpp"

using namespace tidegate_test;

// A layer large enough for a team of its own.
static Shape shape_of(const CellConfig& config) { return {config, 60, 13, 9, 70}; }

// Everything that a call returns, as one list of arrays.
static std::vector<std::vector<float>> results_of(const Shape& s, int threads) {
  Engine<float> engine(s, random_arrays<float>(s, 71), {threads, true, true, {}});
  auto out = engine.forward();
  auto gradients = engine.backward(random_upstream<float>(s, 72));
  std::vector<std::vector<float>> results{out.y, out.h_last, out.c_last};
  for (const auto& field : gradients.fields()) results.push_back(*field.second);
  return results;
}

TEST(calls_from_many_threads_at_once) {
  for (const CellConfig& config : all_cells()) {
    const Shape s = shape_of(config);
    const auto expected = results_of(s, 1);
    std::atomic<int> same{0};
    std::vector<std::thread> callers;
    for (int threads : {1, 2, 4}) {
      callers.emplace_back([&, threads] { same += results_of(s, threads) == expected; });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(same == 3);
  }
}

TEST(calls_that_share_packed_weights) {
  const Shape s = shape_of({});
  const auto arrays = random_arrays<float>(s, 73);
  Engine<float> engine(s, arrays, {1, false, true, {}});
  const auto expected = engine.forward();
  const auto& weights = engine.weights;
  std::atomic<int> same{0};
  std::vector<std::thread> callers;
  for (int k = 0; k < 4; ++k) {
    callers.emplace_back([&] {
      std::vector<float> y(expected.y.size()), h(expected.h_last.size()), c(h.size());
      tidegate::run_forward<float>(weights,
                                   {{s.steps, s.batch},
                                    {arrays.x.data(), s.batch * s.inputs, s.inputs},
                                    {y.data(), s.batch * s.units, s.units},
                                    arrays.h0.data(),
                                    arrays.c0.data(),
                                    h.data(),
                                    c.data()},
                                   nullptr, 2);
      same += y == expected.y && h == expected.h_last && c == expected.c_last;
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(same == 4);
}

#ifdef _OPENMP
// Nested regions run on one thread by default, whatever the schedule hoped for.
TEST(calls_with_fewer_threads_than_asked_for) {
  for (const CellConfig& config : all_cells()) {
    const Shape s = shape_of(config);
    const auto expected = results_of(s, 1);
    std::atomic<int> calls{0}, same{0};
#pragma omp parallel num_threads(2)
    {
      ++calls;
      same += results_of(s, 4) == expected;
    }
    CHECK(calls >= 1 && same == calls);
  }
}
#endif
