// No allocation inside the time loop: a call of 20 steps allocates as often as a call of one, and
// a forward pass that is kept allocates nothing when it runs. Counts operator new and, where the
// C library lets us stand in for it, posix_memalign, which are all that the engine allocates with.
#include <atomic>
#include <cstdlib>
#include <new>

#include "support/engine.hpp"
#include "test.hpp"

static std::atomic<long> allocations{0};

static void* counted_new(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t rounded =
      (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* operator new(std::size_t size) { return counted_new(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted_new(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#if defined(__GLIBC__)
extern "C" int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  ++allocations;
  *memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  return *memory != nullptr || size == 0 ? 0 : ENOMEM;
}
#endif

using namespace tidegate_test;

struct Counts {
  long forward, backward, again;
  bool operator==(const Counts& other) const {
    return forward == other.forward && backward == other.backward && again == other.again;
  }
};

// Allocations of one run_forward, of one run_backward, and of a second run of a kept forward pass.
static Counts count_calls(const Shape& s, int threads) {
  const auto arrays = random_arrays<float>(s, 61);
  Engine<float> engine(s, arrays);
  const Index state = s.batch * s.units;
  std::vector<float> y(at(s.steps * state)), h(at(state)), c(at(state));
  LayerArrays<float> d = arrays;
  tidegate::Saved<float> saved(engine.weights);
  const SequenceView<float> y_view{y.data(), state, s.units};
  const SequenceView<const float> x{arrays.x.data(), s.batch * s.inputs, s.inputs};
  const tidegate::StateFactors<float> factors = factors_of(arrays, s.batch);
  saved.prepare({s.steps, s.batch}, x, {y.data(), state, s.units}, factors);
  const tidegate::ForwardProblem<float> problem{{s.steps, s.batch},
                                                x,
                                                y_view,
                                                arrays.h0.data(),
                                                nullptr,
                                                h.data(),
                                                c.data(),
                                                tidegate::MaskedOutput::kZero,
                                                factors};
  Counts counts{};
  long before = allocations;
  tidegate::run_forward<float>(engine.weights, problem, &saved, threads);
  counts.forward = allocations - before;
  before = allocations;
  tidegate::run_backward<float>(engine.weights, saved,
                                {{y.data(), state, s.units},
                                 h.data(),
                                 nullptr,
                                 {d.x.data(), x.step, x.row},
                                 h.data(),
                                 c.data(),
                                 pointers_of(d)},
                                threads);
  counts.backward = allocations - before;
  const auto runner = tidegate::make_forward<float>(engine.weights, problem, nullptr, threads);
  runner->run(threads);
  before = allocations;
  runner->run(threads);
  counts.again = allocations - before;
  return counts;
}

TEST(allocation_counters_count) {
  const long before = allocations;
  const std::vector<float> memory(100);
  CHECK(allocations == before + 1 && memory.size() == 100);
#if defined(__GLIBC__)
  const tidegate::AlignedBuffer<float> buffer(100);
  CHECK(allocations == before + 2 && buffer.size() == 100);
#endif
}

TEST(allocation_does_not_grow_with_the_steps) {
  for (const CellConfig& config : all_cells()) {
    const Counts one = count_calls({config, 1, 65, 7, 40}, 1);  // more rows than dW does in place
    CHECK(one.forward > 0 && one.backward > 0 && one.again == 0);
    CHECK(count_calls({config, 20, 65, 7, 40}, 1) == one);
    const Counts team = count_calls({config, 60, 8, 64, 128}, 2);
    CHECK(count_calls({config, 90, 8, 64, 128}, 2) == team && team.again == 0);
  }
}
