// Activations with parameters: values within 4 ULP, slopes from the output, ends, NaN, clip.
#include "math/chosen_activation.hpp"

#include "base/denormals.hpp"
#include "support/accuracy.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::Activation;
using tidegate::ActivationKind;
using tidegate::FlushDenormals;
using K = ActivationKind;

static const Activation kChosen[] = {
    {K::kHardSigmoid, 0.25, 0.5},
    {K::kHardSigmoid, -0.5, 0.25},
    {K::kLeakyRelu, 0.125, 0},
    {K::kThresholdedRelu, 0.5, 0},
    {K::kScaledTanh, 1.75, 0.625},
    {
        K::kScaledTanh,
        -0.5,
        2,
    },
    {K::kElu, 1, 0},
    {K::kElu, 0.5, 0},
    {K::kSoftsign},
    {K::kSoftplus},
    {K::kAffine, -1.5, 0.25},
};

static long double exact_value(const Activation& f, long double x) {
  const long double a = f.alpha, b = f.beta;
  switch (f.kind) {
    case K::kHardSigmoid:
      return std::min(std::max(a * x + b, 0.0L), 1.0L);
    case K::kLeakyRelu:
      return x > 0 ? x : a * x;
    case K::kThresholdedRelu:
      return x >= a ? x : 0;
    case K::kScaledTanh:
      return a * std::tanh(b * x);
    case K::kElu:
      return x > 0 ? x : a * std::expm1(x);
    case K::kSoftsign:
      return x / (1 + std::abs(x));
    case K::kSoftplus:
      return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x)));
    default:
      return a * x + b;
  }
}

static long double exact_slope(const Activation& f, long double x) {
  const long double a = f.alpha, b = f.beta, tanh_bx = std::tanh(b * x);
  switch (f.kind) {
    case K::kHardSigmoid:
      return a * x + b > 0 && a * x + b < 1 ? a : 0;
    case K::kLeakyRelu:
      return x > 0 ? 1 : a;
    case K::kThresholdedRelu:
      return x >= a ? 1 : 0;
    case K::kScaledTanh:
      return a * b * (1 - tanh_bx * tanh_bx);
    case K::kElu:
      return x > 0 ? 1 : a * std::exp(x);
    case K::kSoftsign:
      return 1 / ((1 + std::abs(x)) * (1 + std::abs(x)));
    case K::kSoftplus:
      return 1 / (1 + std::exp(-x));
    default:
      return a;
  }
}

template <class T>
static std::vector<T> values(const Activation& f, const std::vector<T>& xs) {
  const FlushDenormals flush;
  return map_lanes(xs, [&](auto x) { return f.value(x); });
}
template <class T>
static std::vector<T> slopes(const Activation& f, const std::vector<T>& ys) {
  const FlushDenormals flush;
  return map_lanes(ys, [&](auto y) { return f.slope(y); });
}

// In units of the last place; where a sum cancels, of its larger part.
template <class T>
static void check_values() {
  constexpr long double smallest = std::numeric_limits<T>::min();
  for (const Activation& f : kChosen) {
    Worst<T> worst;
    sweep_finite<T>(100, 4000, [&](const std::vector<T>& xs) {
      const auto ys = values(f, xs);
      for (std::size_t k = 0; k < xs.size(); ++k) {
        const long double x = xs[k], exact = exact_value(f, x);
        const bool cancels = f.beta != 0 && std::abs(exact) < 0.5L * std::abs(f.beta);
        if (std::abs(x) > 1e30L) continue;  // alpha x overflows
        if (std::abs(exact) < 4 * smallest) {
          CHECK(std::abs(static_cast<long double>(ys[k])) <= 8 * smallest);
        } else if (f.kind == K::kScaledTanh || !cancels) {
          worst.see(xs[k], ys[k], exact);
        }
      }
    });
    worst.print("chosen activation");
    CHECK(worst.ulp <= 4);
  }
}
TEST(chosen_activation_values_float) { check_values<float>(); }
TEST(chosen_activation_values_double) { check_values<double>(); }

// The output has rounding errors of its own size; slopes near a kink are left out.
template <class T>
static void check_chosen_slopes() {
  Random random(7);
  std::vector<T> xs(20000);
  for (T& x : xs) x = static_cast<T>(random.uniform(-12, 12));
  for (const Activation& f : kChosen) {
    const auto got = slopes(f, values(f, xs));
    long double worst = 0;
    for (std::size_t k = 0; k < xs.size(); ++k) {
      const long double x = xs[k], line = f.alpha * x + f.beta;
      const bool kink = std::abs(x) < 1e-4L || std::abs(x - f.alpha) < 1e-4L ||
                        std::abs(line) < 1e-4L || std::abs(line - 1) < 1e-4L;
      if (!kink) worst = std::max(worst, std::abs(got[k] - exact_slope(f, x)));
    }
    CHECK(worst <= 12 * static_cast<long double>(std::numeric_limits<T>::epsilon()));
  }
}
TEST(chosen_activation_slopes) {
  check_chosen_slopes<float>();
  check_chosen_slopes<double>();
}

template <class T>
static void check_nan_and_inf() {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (const Activation& f : kChosen) {
    std::vector<T> xs(at(Lane<T>::kSize), T(0.75));
    const T alone = values(f, xs)[0];
    xs[1 % xs.size()] = nan;
    const auto ys = values(f, xs);
    CHECK(std::isnan(ys[1 % xs.size()]) && (xs.size() < 2 || same_bits(ys[0], alone)));
    const auto ends = values(f, std::vector<T>{-inf, inf});
    CHECK(!std::isnan(ends[0]) && !std::isnan(ends[1]));
  }
}
TEST(chosen_activation_nan_stays_in_its_place_and_inf_saturates) {
  check_nan_and_inf<float>();
  check_nan_and_inf<double>();
}

// Inside the clip nothing changes; beyond, the value is that at the clip and the slope zero.
template <class T>
static void check_clip() {
  const Activation kUsual[] = {{K::kTanh}, {K::kSigmoid}, {K::kRelu}, {K::kLinear}};
  const auto check = [](const Activation& f) {
    const T clip = T(1.5);
    const Activation clipped = f.limited_to(clip);
    const std::vector<T> inside{T(-1.25), T(-0.5), T(0.25), T(1.25)};
    const std::vector<T> outside{T(-9), T(-1.5), T(1.5), T(1e30)};
    const std::vector<T> ends{-clip, -clip, clip, clip};
    const auto plain = values(f, inside), same = values(clipped, inside);
    const auto plain_slopes = slopes(f, plain), same_slopes = slopes(clipped, same);
    const auto limited = values(clipped, outside), at_ends = values(f, ends);
    const auto none = slopes(clipped, limited);
    for (std::size_t k = 0; k < 4; ++k) {
      CHECK(same_bits(plain[k], same[k]) && same_bits(limited[k], at_ends[k]));
      // An output that the end has too: the slope there is that of the end.
      const bool flat = same_bits(plain[k], limited[0]) || same_bits(plain[k], limited[3]);
      CHECK(flat || same_bits(plain_slopes[k], same_slopes[k]));
      CHECK(none[k] == 0);
    }
  };
  for (const Activation& f : kChosen) check(f);
  for (const Activation& f : kUsual) check(f);
}
TEST(chosen_activation_clip) {
  check_clip<float>();
  check_clip<double>();
}
