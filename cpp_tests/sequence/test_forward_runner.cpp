// A forward pass that is kept and run again: streaming one step per call.
#include "support/layer_check.hpp"
#include "support/stream_step.hpp"

using namespace tidegate_test;

// One step at a time with the state updated in place is the whole sequence at once, bit for bit.
template <class T>
static void check_streaming(const Shape& s, bool returns_y) {
  const auto arrays = random_arrays<T>(s, 41);
  Engine<T> whole(s, arrays);
  const auto expected = whole.forward();
  std::vector<T> x(at(s.batch * s.inputs)), y(at(s.batch * s.units));
  std::vector<T> h = arrays.h0, c = arrays.c0;
  LayerArrays<T> step;
  if (s.config.decays_memory) step.memory_decay.resize(at(s.batch));
  const auto runner = tidegate::make_forward<T>(
      whole.weights, stream_step<T>(s, x, {y.data(), 0, s.units}, h, c, step), nullptr, 1);
  for (Index t = 0; t < s.steps; ++t) {
    std::copy_n(arrays.x.begin() + t * s.batch * s.inputs, x.size(), x.begin());
    if (s.config.decays_memory) {
      std::copy_n(arrays.memory_decay.begin() + t * s.batch, s.batch, step.memory_decay.begin());
    }
    runner->run(1);
    CHECK(std::equal(h.begin(), h.end(), expected.y.begin() + t * s.batch * s.units));
    CHECK(!returns_y || same_bits(y, h));
  }
  CHECK(same_bits(h, expected.h_last) && same_bits(c, expected.c_last));
}
TEST(forward_runner_streams_the_bits_of_the_whole_sequence) {
  for (const CellConfig& config : all_cells()) {
    for (const bool returns_y : {false, true}) {
      check_streaming<float>({config, 9, 1, 3, 21}, returns_y);
      check_streaming<double>({config, 9, 4, 5, 10}, returns_y);
    }
  }
}

// The same problem twice: nothing of the first run is left in the workspace.
TEST(forward_runner_again_is_the_same) {
  for (const CellConfig& config : all_cells()) {
    const Shape s{config, 50, 6, 4, 40};
    const auto arrays = random_arrays<float>(s, 42);
    const Engine<float> engine(s, arrays, {2, false, true, {}});
    std::vector<float> y(at(s.steps * s.batch * s.units)), first;
    std::vector<float> h(at(s.batch * s.units)), c(h.size());
    const auto runner =
        tidegate::make_forward<float>(engine.weights,
                                      {{s.steps, s.batch},
                                       {arrays.x.data(), s.batch * s.inputs, s.inputs},
                                       {y.data(), s.batch * s.units, s.units},
                                       arrays.h0.data(),
                                       s.has_c() ? arrays.c0.data() : nullptr,
                                       h.data(),
                                       s.has_c() ? c.data() : nullptr,
                                       tidegate::MaskedOutput::kZero,
                                       factors_of(arrays, s.batch)},
                                      nullptr, 2);
    for (int run = 0; run < 3; ++run) {
      std::fill(y.begin(), y.end(), -5.0f);
      runner->run(run == 2 ? 1 : 2);  // fewer threads than it was made for: the same bits
      if (run == 0) first = y;
      CHECK(same_bits(y, first));
    }
  }
}
