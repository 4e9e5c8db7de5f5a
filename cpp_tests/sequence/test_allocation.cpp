// No allocation inside the time loop: a call of many steps allocates as often as a call of few, and
// a forward pass that is kept, as a stream keeps it, allocates nothing when it runs.
#include "support/allocations.hpp"

#ifdef TIDEGATE_COUNTS_ALLOCATIONS
#include "support/engine.hpp"
#include "support/several_layers.hpp"
#include "test.hpp"

using namespace tidegate_test;

struct Call {
  Shape s;
  int threads = 1;
  Index projection = 0;  // P, at most H; 0 for none
  bool ragged = false;
};

struct Counts {
  long forward, backward, again;
  bool operator==(const Counts& other) const {
    return forward == other.forward && backward == other.backward && again == other.again;
  }
};

template <class Run>
static long count_in(const Run& run) {
  const long before = allocations();
  run();
  return allocations() - before;
}

// Rows from full length down to none, in proportion to the steps.
static tidegate::RaggedBatch ragged_batch(const Shape& s) {
  std::vector<std::int64_t> lengths;
  for (Index b = 0; b < s.batch; ++b) lengths.push_back(s.steps * b / (s.batch - 1));
  return tidegate::RaggedBatch::from_lengths(lengths.data(), {s.steps, s.batch}, false);
}

// Allocations of one run_forward, of one run_backward, and of a second run of a kept forward pass.
template <class T>
static Counts count_calls(const Call& call) {
  const Shape& s = call.s;
  const auto arrays = random_arrays<T>(s, 61);
  LayerArrays<T> d = arrays;
  std::vector<T> hr = Random(62).values<T>(call.projection * s.units, 0.1), dhr = hr;
  tidegate::WeightArrays<T> pointers = pointers_of(arrays);
  tidegate::WeightGradients<T> gradients = pointers_of(d);
  if (call.projection > 0) pointers.weight_hr = hr.data(), gradients.weight_hr = dhr.data();
  tidegate::PackedWeights<T> weights(s.config, s.inputs, s.units, call.projection);
  weights.read_from(pointers);
  weights.pack(tidegate::Packing::all(), call.threads);

  const std::optional<tidegate::RaggedBatch> ragged =
      call.ragged ? std::optional(ragged_batch(s)) : std::nullopt;
  const tidegate::ActiveRows rows =
      ragged ? tidegate::ActiveRows(*ragged) : tidegate::ActiveRows(s.steps, s.batch);
  const Index width = weights.output_size;
  std::vector<T> y(at(s.steps * s.batch * width)), h(at(s.batch * width)), c(at(s.batch * s.units));
  const auto x = SequenceView<const T>{arrays.x.data(), s.batch * s.inputs, s.inputs}.over(rows);
  const auto y_view = SequenceView<T>{y.data(), s.batch * width, width}.over(rows);
  const auto dx = SequenceView<T>{d.x.data(), s.batch * s.inputs, s.inputs}.over(rows);
  const auto factors = factors_of(arrays, s.batch).over(rows);
  const auto hold = tidegate::MaskedOutput::kHold;
  const tidegate::ForwardProblem<T> problem{rows,     x,        y_view, arrays.h0.data(), nullptr,
                                            h.data(), c.data(), hold,   factors};
  tidegate::Saved<T> saved(weights);
  saved.prepare(rows, x, y_view.read_only(), factors);

  Counts counts{};
  counts.forward =
      count_in([&] { tidegate::run_forward<T>(weights, problem, &saved, call.threads); });
  counts.backward = count_in([&] {
    tidegate::run_backward<T>(
        weights, saved,
        {y_view.read_only(), h.data(), nullptr, dx, h.data(), c.data(), gradients, hold},
        call.threads);
  });
  const auto runner = tidegate::make_forward<T>(weights, problem, nullptr, call.threads);
  runner->run(call.threads);
  counts.again = count_in([&] { runner->run(call.threads); });
  return counts;
}

// `call` has few steps, but more rows than dW does in place; three times as many allocate as often.
template <class T>
static void check_steps(Call call) {
  const Counts few = count_calls<T>(call);
  CHECK(few.forward > 0 && few.backward > 0 && few.again == 0);
  call.s.steps *= 3;
  CHECK(count_calls<T>(call) == few);
}

TEST(allocation_counters_count) {
  CHECK(count_in([] { CHECK(std::vector<float>(100).size() == 100); }) == 1);
  CHECK(count_in([] { CHECK(tidegate::AlignedBuffer<float>(100).size() == 100); }) == 1);
  void* volatile memory = nullptr;
  CHECK(count_in([&] { memory = std::malloc(100); }) == 1);
  CHECK(count_in([&] { memory = std::realloc(memory, 200); }) == 1);
  std::free(memory);
}

TEST(allocation_does_not_grow_with_the_steps) {
  for (const CellConfig& config : all_cells()) {  // with layer normalisation, too
    const Counts one = count_calls<float>({{config, 1, 65, 7, 40}});
    CHECK(one.forward > 0 && one.backward > 0 && one.again == 0);
    CHECK(count_calls<float>({{config, 20, 65, 7, 40}}) == one);
    check_steps<double>({{config, 21, 5, 3, 19}});
    check_steps<float>({{config, 60, 8, 64, 128}, 2});
  }
}

TEST(allocation_does_not_grow_in_a_ragged_batch) {
  for (const CellConfig& config : all_cells()) {
    check_steps<float>({{config, 16, 9, 7, 40}, 1, 0, true});
    check_steps<double>({{config, 64, 9, 64, 128}, 2, 0, true});
  }
}

TEST(allocation_does_not_grow_with_a_projection) {
  for (const bool ragged : {false, true}) {
    check_steps<float>({{{}, 16, 9, 7, 40}, 1, 11, ragged});
    check_steps<double>({{{}, 64, 9, 64, 128}, 2, 50, ragged});
  }
}

TEST(allocation_does_not_grow_in_stacks_and_directions) {
  for (const Order order : {Order::kIndependent, Order::kChained}) {
    for (const int team : {1, 2}) {
      const auto count = [&](Index steps) {
        SeveralLayers<float> layers({{}, {}, {}}, {steps, 2}, 6, {16, 16, 16}, order);
        layers.run_calls(team, team, true);  // the memory of what is saved is there
        return count_in([&] { layers.run_calls(team, team, true); });
      };
      CHECK(count(64) == count(192));
    }
  }
}
#endif
