// What several threads do at once on weights that they share: training steps, streams, stacks. The
// bits are those of the same calls one after the other. `ctest --preset tsan` also looks for races.
#include <thread>

#include "support/layer_check.hpp"
#include "support/several_layers.hpp"
#include "support/stream_step.hpp"

using namespace tidegate_test;

static constexpr int kCallers = 3;
static constexpr int kRounds = 2;

// Runs call(0), call(1), ... on a thread each; true if each returned what it returns alone.
template <class Call>
static bool same_as_alone(const Call& call) {
  using Result = decltype(call(0));
  std::vector<Result> expected, actual(kCallers);
  for (int k = 0; k < kCallers; ++k) expected.push_back(call(k));
  std::vector<std::thread> callers;
  for (int k = 0; k < kCallers; ++k) {
    callers.emplace_back([&, k] { actual[at(k)] = call(k); });
  }
  for (std::thread& caller : callers) caller.join();
  for (int k = 0; k < kCallers; ++k) {
    if (!same_arrays(actual[at(k)], expected[at(k)])) return false;
  }
  return true;
}

template <class T>
static tidegate::PackedWeights<T> packed_of(const Shape& s, const LayerArrays<T>& arrays) {
  tidegate::PackedWeights<T> weights(s.config, s.inputs, s.units);
  weights.read_from(pointers_of(arrays));
  weights.pack(tidegate::Packing::all(), 1);
  return weights;
}

// Forward and backward of a batch of the caller's own; the memory for what is saved serves again.
template <class T>
static Arrays<T> train(const tidegate::PackedWeights<T>& weights, const Shape& s, int caller) {
  const auto seed = static_cast<std::uint64_t>(90 + caller);
  const LayerArrays<T> in = random_arrays<T>(s, seed);
  const LayerOutputs<T> upstream = random_upstream<T>(s, seed + 50);
  LayerOutputs<T> out = upstream;
  LayerArrays<T> d = in;
  d.h0.resize(at(s.batch * s.units));
  tidegate::Saved<T> saved(weights);
  const SequenceView<const T> x{in.x.data(), s.batch * s.inputs, s.inputs};
  const SequenceView<T> y{out.y.data(), s.batch * s.units, s.units};
  const int threads = 1 + caller;
  Arrays<T> results;
  for (int round = 0; round < kRounds; ++round) {
    saved.prepare({s.steps, s.batch}, x, y.read_only(), factors_of(in, s.batch));
    tidegate::run_forward<T>(weights,
                             {{s.steps, s.batch},
                              x,
                              y,
                              in.h0.data(),
                              in.c0.data(),
                              out.h_last.data(),
                              out.c_last.data(),
                              tidegate::MaskedOutput::kZero,
                              factors_of(in, s.batch)},
                             &saved, threads);
    tidegate::run_backward<T>(weights, saved,
                              {{upstream.y.data(), y.step, y.row},
                               upstream.h_last.data(),
                               upstream.c_last.data(),
                               {d.x.data(), x.step, x.row},
                               d.h0.data(),
                               d.c0.data(),
                               pointers_of(d)},
                              threads);
    results.insert(results.end(), {out.y, out.h_last, out.c_last});
    for (const auto& field : d.fields()) results.push_back(*field.second);
  }
  return results;
}

TEST(concurrent_training_steps_share_packed_weights) {
  for (const CellConfig& config : all_cells()) {
    const Shape s{config, 20, 13, 9, 70};
    const auto arrays = random_arrays<float>(s, 89);
    const auto weights = packed_of(s, arrays);
    CHECK(choose_schedule(work_of(weights, {s.steps, s.batch}), kCallers).threads > 1);
    CHECK(same_as_alone([&](int caller) { return train(weights, s, caller); }));
  }
}

// A step per call, the state updated in place, as a stream has it.
template <class T>
static Arrays<T> stream(const tidegate::PackedWeights<T>& weights, const Shape& s, int caller) {
  const LayerArrays<T> in = random_arrays<T>(s, static_cast<std::uint64_t>(70 + caller));
  std::vector<T> x(at(s.batch * s.inputs)), h = in.h0, c = in.c0;
  LayerArrays<T> step;
  if (s.config.decays_memory) step.memory_decay.assign(at(s.batch), T(0.5));
  const int threads = 1 + caller;
  const auto runner =
      tidegate::make_forward<T>(weights, stream_step<T>(s, x, {}, h, c, step), nullptr, threads);
  Arrays<T> states;
  for (Index t = 0; t < s.steps; ++t) {
    std::copy_n(in.x.begin() + t * s.batch * s.inputs, x.size(), x.begin());
    runner->run(threads);
    states.insert(states.end(), {h, c});
  }
  return states;
}

TEST(concurrent_streams_share_packed_weights) {
  for (const CellConfig& config : all_cells()) {
    const Shape s{config, 25, 2, 6, 33};
    const auto arrays = random_arrays<double>(s, 69);
    const auto weights = packed_of(s, arrays);
    CHECK(same_as_alone([&](int caller) { return stream(weights, s, caller); }));
  }
}

TEST(concurrent_stacks_and_directions) {
  CHECK(same_as_alone([](int caller) {
    const Order order = caller == 0 ? Order::kIndependent : Order::kChained;
    SeveralLayers<float> layers({{}, {}, {}}, {40, 2}, 6, {16, 7, 20}, order);
    return caller == 1 ? layers.run_stack(2, true) : layers.run_calls(1 + caller, 2, true);
  }));
}
