#include "optimizers/update.hpp"

#include <limits>

#include "support/floating.hpp"
#include "support/random.hpp"
#include "test.hpp"

using namespace tidegate;
using namespace tidegate_test;

namespace {

template <class T>
struct Problem {
  Index size;
  std::vector<T> values, gradient;
  std::vector<std::vector<T>> slots, results;

  Problem(Index size_, int slot_count) : size(size_) {
    Random random(static_cast<std::uint64_t>(size));
    values = random.values<T>(size);
    gradient = random.values<T>(size);
    for (int s = 0; s < slot_count; ++s) {
      slots.push_back(random.values<T>(size));
      for (T& slot : slots.back()) slot = std::abs(slot) + T(1);  // a mean square is positive
      results.emplace_back(at(size), T(-777));
    }
  }

  // Numbers begin..end on their own.
  template <class Rule>
  void step(const Rule& rule, T keep, Index begin, Index end) {
    std::vector<T*> was, now;
    for (auto& slot : slots) was.push_back(slot.data() + begin);
    for (auto& result : results) now.push_back(result.data() + begin);
    update(rule, keep, end - begin, values.data() + begin, gradient.data() + begin, was, now);
  }
};

// A number's result does not depend on where it stands.
template <class T, class Rule>
void check_bits(const Rule& rule) {
  constexpr Index kSize = 199;
  Problem<T> together(kSize, Rule::kSlots), alone(kSize, Rule::kSlots);
  together.step(rule, T(0.99), 0, kSize);
  for (Index k = 0; k < kSize; ++k) alone.step(rule, T(0.99), k, k + 1);
  CHECK(same_bits(together.values, alone.values));
  for (std::size_t s = 0; s < Rule::kSlots; ++s) {
    CHECK(same_bits(together.results[s], alone.results[s]));
  }
}

template <class T>
void check_all_bits() {
  check_bits<T>(SgdRule<T>{T(0.1)});
  check_bits<T>(MomentumRule<T, false>{T(0.9), T(0.1)});
  check_bits<T>(MomentumRule<T, true>{T(0.9), T(0.1)});
  check_bits<T>(RmsPropRule<T, false, false>{T(0.9), T(0.1), T(1e-7), T(0), T(0.1)});
  check_bits<T>(RmsPropRule<T, true, true>{T(0.9), T(0.1), T(1e-7), T(0.5), T(0.1)});
  check_bits<T>(AdamRule<T>{T(0.1), T(0.001), T(1e-7), T(0.01)});
}

}  // namespace

TEST(update_has_the_same_bits_anywhere) {
  check_all_bits<float>();
  check_all_bits<double>();
}

TEST(update_of_adam_by_hand) {
  Problem<double> p(3, 2);
  p.values = {1, -2, 0};
  p.gradient = {2, 0, -4};
  p.slots = {{1, 1, 1}, {3, 3, 3}};
  p.step(AdamRule<double>{0.5, 0.25, 0.5, 0.1}, 0.5, 0, 3);
  const double m[] = {1.5, 0.5, -1.5}, v[] = {3.25, 2.25, 6.25}, w[] = {0.5, -1, 0};
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK_NEAR(p.results[0][k], m[k], 0);
    CHECK_NEAR(p.results[1][k], v[k], 0);
    CHECK_NEAR(p.values[k], w[k] - 0.1 * m[k] / (std::sqrt(v[k]) + 0.5), 1e-15);
  }
}

TEST(update_of_centred_rmsprop_below_zero) {
  Problem<double> p(1, 2);
  p.slots = {{1}, {2}};  // a mean square below the squared mean
  p.gradient = {1};
  p.values = {5};
  p.step(RmsPropRule<double, true, false>{1, 0, 0.25, 0, 0.5}, 1, 0, 1);
  CHECK_NEAR(p.values[0], 5 - 0.5 / 0.5, 0);
}

TEST(update_flushes_denormals) {
  Problem<float> p(64, 1);
  std::fill(p.gradient.begin(), p.gradient.end(), 0.0f);
  std::fill(p.slots[0].begin(), p.slots[0].end(), std::numeric_limits<float>::min());
  p.step(MomentumRule<float, false>{0.5f, 0.1f}, 1.0f, 0, 64);
  for (const float m : p.results[0]) CHECK(m == 0);
}

TEST(squared_norm_of_gradients) {
  for (const Index size : {0, 1, 15, 16, 1003}) {
    Problem<float> p(size, 0);
    long double expected = 0;
    for (const float g : p.gradient) expected += static_cast<long double>(g) * g;
    CHECK_NEAR(squared_norm(p.gradient.data(), size), static_cast<double>(expected), 1e-12);
  }
  const float large[] = {3e38f, 3e38f};
  CHECK_NEAR(squared_norm(large, 2), 1.8e77, 1e71);
  const float bad[] = {1, std::numeric_limits<float>::infinity()};
  CHECK(!std::isfinite(squared_norm(bad, 2)));
}
