#include "math/lane.hpp"

#include <limits>
#include <string>

#include "support/floating.hpp"
#include "support/guarded_page.hpp"
#include "support/lanes.hpp"
#include "test.hpp"

using namespace tidegate_test;

template <class T>
constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
template <class T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();

// The elements end at a page that must not be touched.
template <class T>
static void check_partial_load() {
  GuardedPage page;
  for (Index count = 0; count <= Lane<T>::kSize; ++count) {
    T* from = page.last<T>(count);
    for (Index k = 0; k < count; ++k) from[k] = static_cast<T>(k + 1);
    T loaded[Lane<T>::kSize];
    Lane<T>::load_partial(from, count).store(loaded);
    for (Index k = 0; k < Lane<T>::kSize; ++k) {
      CHECK(same_bits(loaded[k], k < count ? static_cast<T>(k + 1) : T(0)));
    }
  }
}
TEST(lane_load_partial_touches_nothing_beyond) {
  check_partial_load<float>();
  check_partial_load<double>();
}

template <class T>
static void check_partial_store() {
  GuardedPage page;
  T ramp[Lane<T>::kSize];
  for (Index k = 0; k < Lane<T>::kSize; ++k) ramp[k] = static_cast<T>(k + 1);
  const Lane<T> lane = Lane<T>::load(ramp);
  for (Index count = 0; count <= Lane<T>::kSize; ++count) {
    T* to = page.last<T>(count);
    lane.store_partial(to, count);
    for (Index k = 0; k < count; ++k) CHECK(to[k] == ramp[k]);
    // Nor is memory that could be written: neighbours keep their values.
    T neighbours[2 * Lane<T>::kSize];
    for (T& value : neighbours) value = T(-7);
    lane.store_partial(neighbours, count);
    for (Index k = count; k < 2 * Lane<T>::kSize; ++k) CHECK(neighbours[k] == T(-7));
  }
}
TEST(lane_store_partial_touches_nothing_beyond) {
  check_partial_store<float>();
  check_partial_store<double>();
}

// From and to the end of a page.
template <class T>
static void check_row_copies() {
  GuardedPage source, target;
  for (Index count = 0; count <= 2 * Lane<T>::kSize + 1; ++count) {
    T *from = source.last<T>(count), *to = target.last<T>(count);
    for (Index k = 0; k < count; ++k) from[k] = static_cast<T>(k + 1);
    tidegate::copy_row(from, count, to);
    for (Index k = 0; k < count; ++k) CHECK(to[k] == from[k]);
  }
}
TEST(lane_copies_rows_of_any_length) {
  check_row_copies<float>();
  check_row_copies<double>();
}

// A count beyond the lane stores one lane, no more.
template <class T>
static void check_long_count() {
  T memory[3 * Lane<T>::kSize];
  for (T& value : memory) value = T(5);
  Lane<T>(T(2)).store_partial(memory, 2 * Lane<T>::kSize + 1);
  for (Index k = 0; k < 3 * Lane<T>::kSize; ++k)
    CHECK(memory[k] == (k < Lane<T>::kSize ? T(2) : T(5)));
}
TEST(lane_partial_of_more_than_a_lane_is_a_lane) {
  check_long_count<float>();
  check_long_count<double>();
}

// Whatever the others hold, also what 0 * x would not remove.
template <class T>
static void check_first() {
  for (const T other : {T(3), kInfinity<T>, kNan<T>}) {
    for (Index count = 0; count <= Lane<T>::kSize; ++count) {
      T values[Lane<T>::kSize], stored[Lane<T>::kSize];
      for (Index k = 0; k < Lane<T>::kSize; ++k)
        values[k] = k < count ? static_cast<T>(k + 1) : other;
      Lane<T>::load(values).first(count).store(stored);
      for (Index k = 0; k < Lane<T>::kSize; ++k) {
        CHECK(same_bits(stored[k], k < count ? static_cast<T>(k + 1) : T(0)));
      }
    }
  }
}
TEST(lane_first_leaves_zeros_beyond) {
  check_first<float>();
  check_first<double>();
}

template <class T>
static void check_arithmetic() {
  Random random(1);
  const Index n = 7 * Lane<T>::kSize;
  const auto a = random.values<T>(n, 3), b = random.values<T>(n, 3), c = random.values<T>(n, 3);
  for (Index k = 0; k < n; k += Lane<T>::kSize) {
    const auto x = Lane<T>::load(&a[at(k)]), y = Lane<T>::load(&b[at(k)]),
               z = Lane<T>::load(&c[at(k)]);
    const Lane<T> results[] = {
        x + y, x - y, x * y, x / y, -x, tidegate::multiply_add(x, y, z), tidegate::abs(x)};
    for (Index e = 0; e < Lane<T>::kSize; ++e) {
      const T p = a[at(k + e)], q = b[at(k + e)], r = c[at(k + e)];
      const T expected[] = {p + q,      p - q, p * q, p / q, -p, multiply_add_scalar(p, q, r),
                            std::abs(p)};
      for (std::size_t f = 0; f < 7; ++f) {
        T stored[Lane<T>::kSize];
        results[f].store(stored);
        CHECK(same_bits(stored[e], expected[f]));
      }
    }
  }
}
TEST(lane_arithmetic_is_the_scalar_arithmetic) {
  check_arithmetic<float>();
  check_arithmetic<double>();
}

template <class T>
static void check_limits() {
  const auto most = [](T value) {
    return map_scalar(value, [](auto x) { return at_most(x, T(2)); });
  };
  const auto least = [](T value) {
    return map_scalar(value, [](auto x) { return at_least(x, T(-2)); });
  };
  CHECK(std::isnan(most(kNan<T>)) && std::isnan(least(kNan<T>)));
  CHECK(std::isnan(most(-kNan<T>)) && std::isnan(least(-kNan<T>)));
  CHECK(most(T(1)) == 1 && most(T(3)) == 2 && most(kInfinity<T>) == 2 &&
        most(-kInfinity<T>) == -kInfinity<T>);
  CHECK(least(T(1)) == 1 && least(T(-3)) == -2 && least(-kInfinity<T>) == -2 &&
        least(kInfinity<T>) == kInfinity<T>);
}
TEST(lane_limits_keep_nan) {
  check_limits<float>();
  check_limits<double>();
}

template <class T>
static void check_copy_sign() {
  const T signs[] = {T(3),
                     T(-3),
                     T(0),
                     T(-0.0),
                     kInfinity<T>,
                     -kInfinity<T>,
                     std::numeric_limits<T>::denorm_min()};
  for (const T magnitude : {T(0), T(1.5), kInfinity<T>}) {
    for (const T sign : signs) {
      const T actual = map_scalar(sign, [&](auto s) { return copy_sign(Lane<T>(magnitude), s); });
      CHECK(same_bits(actual, std::copysign(magnitude, sign)));
    }
  }
  CHECK(std::isnan(map_scalar(T(-1), [](auto s) { return copy_sign(Lane<T>(kNan<T>), s); })));
}
TEST(lane_copy_sign) {
  check_copy_sign<float>();
  check_copy_sign<double>();
}

template <class T>
static void check_step_positive() {
  const auto step = [](T value) {
    return map_scalar(value, [](auto x) { return step_positive(x); });
  };
  CHECK(step(T(2)) == 1 && step(std::numeric_limits<T>::min()) == 1 && step(kInfinity<T>) == 1);
  CHECK(same_bits(step(T(0)), T(0)) && same_bits(step(T(-0.0)), T(0)));
  CHECK(same_bits(step(T(-2)), T(0)) && same_bits(step(-kInfinity<T>), T(0)));
  CHECK(step(std::numeric_limits<T>::quiet_NaN()) == 1);  // a NaN passes the gradient on
}
TEST(lane_step_positive) {
  check_step_positive<float>();
  check_step_positive<double>();
}

TEST(lane_of_a_checked_build_keeps_the_assertions_of_eigen) {
#ifdef EIGEN_NO_DEBUG
  const bool asserts = false;
#else
  const bool asserts = true;
#endif
  const std::string build = TIDEGATE_BUILD_TYPE;
  CHECK(asserts == (build.find("checked") == 0 || build == "Debug"));
}
