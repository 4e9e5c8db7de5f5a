// The four activations that the cells know by their types (the others: test_chosen_activation.cpp).
#include "math/chosen_activation.hpp"

#include "base/denormals.hpp"
#include "support/floating.hpp"
#include "support/lanes.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::Activation;
using tidegate::ActivationKind;
using tidegate::FlushDenormals;

static constexpr ActivationKind kKinds[] = {ActivationKind::kTanh, ActivationKind::kSigmoid,
                                            ActivationKind::kRelu, ActivationKind::kLinear};

// Volatile: a compiler that knows x computes the result itself, without flushing (Clang does).
template <class T, class F>
static T at_run_time(T x, const F& f) {
  const FlushDenormals flush;
  volatile T in = x;
  volatile T out = map_scalar(T(in), f);
  return out;
}
template <class T>
static T value_of(ActivationKind kind, T x) {
  return at_run_time(x, [kind](auto lane) { return Activation{kind}.value(lane); });
}
template <class T>
static T slope_of(ActivationKind kind, T y) {
  return at_run_time(y, [kind](auto lane) { return Activation{kind}.slope(lane); });
}

template <class T>
static void check_special_values() {
  const T inf = std::numeric_limits<T>::infinity(), huge = T(1e38);
  const T denormal = std::numeric_limits<T>::denorm_min() * 1000;
  using K = ActivationKind;
  for (const K kind : kKinds)
    CHECK(std::isnan(value_of(kind, std::numeric_limits<T>::quiet_NaN())));
  for (const T sign : {T(1), T(-1)}) {
    CHECK(same_bits(value_of(K::kTanh, sign * T(0)), sign * T(0)));
    CHECK(same_bits(value_of(K::kTanh, sign * inf), sign));
    CHECK(same_bits(value_of(K::kTanh, sign * huge), sign));
    CHECK(value_of(K::kTanh, sign * denormal) == 0);  // flushed
    CHECK(same_bits(value_of(K::kSigmoid, sign * T(0)), T(0.5)));
    CHECK(same_bits(value_of(K::kSigmoid, sign * denormal), T(0.5)));
    CHECK(value_of(K::kRelu, sign * T(0)) == 0);
    CHECK(same_bits(value_of(K::kLinear, sign * inf), sign * inf));
    CHECK(same_bits(value_of(K::kLinear, sign * T(0)), sign * T(0)));
  }
  CHECK(same_bits(value_of(K::kSigmoid, inf), T(1)) &&
        same_bits(value_of(K::kSigmoid, huge), T(1)));
  CHECK(same_bits(value_of(K::kSigmoid, -inf), T(0)) &&
        same_bits(value_of(K::kSigmoid, -huge), T(0)));
  CHECK(value_of(K::kRelu, inf) == inf && value_of(K::kRelu, -inf) == 0);
  CHECK(value_of(K::kRelu, T(2.5)) == T(2.5) && value_of(K::kRelu, T(-2.5)) == 0);
  CHECK(value_of(K::kLinear, T(-2.5)) == T(-2.5));
}
TEST(activations_special_values) {
  check_special_values<float>();
  check_special_values<double>();
}

// A NaN must not reach its neighbours in the lane.
template <class T>
static void check_nan_stays_in_place() {
  const Index lanes = Lane<T>::kSize;
  for (const ActivationKind kind : kKinds) {
    for (Index place = 0; place < lanes; ++place) {
      std::vector<T> xs(at(lanes), T(0.75));
      const T alone = value_of(kind, T(0.75));
      xs[at(place)] = std::numeric_limits<T>::quiet_NaN();
      const auto ys = map_lanes(xs, [kind](auto x) { return Activation{kind}.value(x); });
      for (Index k = 0; k < lanes; ++k) {
        CHECK(k == place ? std::isnan(ys[at(k)]) : same_bits(ys[at(k)], alone));
      }
    }
  }
}
TEST(activations_keep_nan_in_its_place) {
  check_nan_stays_in_place<float>();
  check_nan_stays_in_place<double>();
}

static long double exact_derivative(ActivationKind kind, long double x) {
  const long double decay = std::exp(-std::abs(x));
  switch (kind) {
    case ActivationKind::kTanh:
      return 4 * decay * decay / ((1 + decay * decay) * (1 + decay * decay));
    case ActivationKind::kSigmoid:
      return decay / ((1 + decay) * (1 + decay));
    case ActivationKind::kRelu:
      return x > 0 ? 1 : 0;
    default:
      return 1;
  }
}

// slope() takes the output. Where the output is within a rounding error of ±1, 1 - y^2 cannot be
// better than the spacing of y: the error is absolute.
template <class T>
static void check_slopes() {
  Random random(5);
  for (const ActivationKind kind : kKinds) {
    long double worst = 0;
    for (int k = 0; k < 20000; ++k) {
      const T x = static_cast<T>(random.uniform(-12, 12));
      const long double slope = slope_of(kind, value_of(kind, x));
      worst = std::max(worst, std::abs(slope - exact_derivative(kind, x)));
    }
    CHECK(worst <= 8 * static_cast<long double>(std::numeric_limits<T>::epsilon()));
  }
}
TEST(activations_slope_is_the_derivative_in_terms_of_the_output) {
  check_slopes<float>();
  check_slopes<double>();
}

template <class T>
static void check_slopes_at_the_ends() {
  using K = ActivationKind;
  CHECK(slope_of(K::kTanh, T(0)) == 1 && slope_of(K::kTanh, T(1)) == 0 &&
        slope_of(K::kTanh, T(-1)) == 0);
  CHECK(slope_of(K::kSigmoid, T(0.5)) == T(0.25));
  CHECK(slope_of(K::kSigmoid, T(0)) == 0 && slope_of(K::kSigmoid, T(1)) == 0);
  CHECK(slope_of(K::kRelu, T(0)) == 0 && slope_of(K::kRelu, T(1e-30)) == 1);
  CHECK(slope_of(K::kLinear, T(-1e30)) == 1);
}
TEST(activations_slope_at_the_ends) {
  check_slopes_at_the_ends<float>();
  check_slopes_at_the_ends<double>();
}
