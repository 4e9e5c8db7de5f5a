#include "math/exponential.hpp"

#include "support/accuracy.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::ExpConstants;

static constexpr long double kMostUlp = 4;  // the promise of the design, section 6

template <class T>
static T exp_of(T x) {
  return map_scalar(x, [](auto lane) { return exp_saturated(lane); });
}
template <class T>
static T expm1_of(T x) {
  return map_scalar(x, [](auto lane) { return expm1_within(lane); });
}

template <class T>
static void check_powers(int lowest, int highest) {
  for (int n = lowest; n <= highest; ++n) {
    const T power = map_scalar(static_cast<T>(n), [](auto lane) { return power_of_two(lane); });
    CHECK(same_bits(power, std::ldexp(T(1), n)));
  }
}
TEST(exponential_powers_of_two_are_exact) {
  check_powers<float>(-126, 127);
  check_powers<double>(-1022, 1023);
}

// Uniform over the range, its ends, and the points where n changes: (k + 1/2) ln2.
template <class T>
static std::vector<T> points_between(T low, T high, Index count) {
  Random random(11);
  std::vector<T> points{low, high, std::nextafter(low, high), std::nextafter(high, low)};
  while (static_cast<Index>(points.size()) < count) {
    points.push_back(static_cast<T>(random.uniform(low, high)));
  }
  for (int k = static_cast<int>(low); k < static_cast<int>(high); ++k) {
    const T turn = static_cast<T>((k + 0.5L) * 0.693147180559945309417L);
    for (const T x : {std::nextafter(turn, low), turn, std::nextafter(turn, high)}) {
      if (x >= low && x <= high) points.push_back(x);
    }
  }
  return points;
}

template <class T>
static void check_exp() {
  const auto points =
      points_between<T>(ExpConstants<T>::kLowest, ExpConstants<T>::kHighest, 200000);
  const auto values = map_lanes(points, [](auto x) { return exp_saturated(x); });
  Worst<T> worst;
  for (std::size_t k = 0; k < points.size(); ++k) {
    worst.see(points[k], values[k], std::exp(static_cast<long double>(points[k])));
  }
  worst.print("exp");
  CHECK(worst.ulp <= kMostUlp);
}
TEST(exponential_exp_is_accurate_over_its_range) {
  check_exp<float>();
  check_exp<double>();
}

template <class T>
static void check_expm1() {
  auto points = points_between<T>(T(0), ExpConstants<T>::kHighest, 100000);
  Random random(12);
  for (int exponent = -100; exponent < 0; ++exponent) {  // down to where exp(x) - 1 is x
    for (int k = 0; k < 1000; ++k) {
      points.push_back(static_cast<T>(std::ldexp(random.uniform(1, 2), exponent)));
    }
  }
  const auto values = map_lanes(points, [](auto x) { return expm1_within(x); });
  Worst<T> worst;
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (points[k] != 0)
      worst.see(points[k], values[k], std::expm1(static_cast<long double>(points[k])));
  }
  worst.print("expm1");
  CHECK(worst.ulp <= kMostUlp);
  CHECK(expm1_of(T(0)) == 0);
}
TEST(exponential_expm1_is_accurate_over_its_range) {
  check_expm1<float>();
  check_expm1<double>();
}

template <class T>
static void check_saturation() {
  using C = ExpConstants<T>;
  const T inf = std::numeric_limits<T>::infinity();
  CHECK(same_bits(exp_of(T(0)), T(1)) && same_bits(exp_of(T(-0.0)), T(1)));
  for (const T x : {std::nextafter(C::kHighest, inf), T(1000), T(1e38), inf}) {
    CHECK(same_bits(exp_of(x), exp_of(C::kHighest)));
    CHECK(same_bits(exp_of(-x), exp_of(x > -C::kLowest ? C::kLowest : -x)));
  }
  CHECK(exp_of(C::kLowest) >= std::numeric_limits<T>::min());  // never denormal, never infinite
  CHECK(std::isfinite(exp_of(C::kHighest)));
  CHECK(std::isnan(exp_of(std::numeric_limits<T>::quiet_NaN())));
  CHECK(std::isnan(expm1_of(std::numeric_limits<T>::quiet_NaN())));
}
TEST(exponential_saturates_and_keeps_nan) {
  check_saturation<float>();
  check_saturation<double>();
}
