// Sigmoid and tanh over the whole range, within 4 ULP of long double.
//
// The engine computes with denormals flushed (base/denormals.hpp), and so does this test. That rule
// shows in two places only: a denormal input counts as 0, and a sigmoid below the smallest normal
// number (x < -87.34 in float, x < -708.4 in double) comes out as 0; at the very edge of that range
// the rounding error decides between 0 and the smallest normal number. Both errors are smaller than
// the smallest normal number itself.
#include <functional>

#include "base/denormals.hpp"
#include "math/activations.hpp"
#include "support/accuracy.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::FlushDenormals;
using tidegate::Sigmoid;
using tidegate::Tanh;

static constexpr long double kMostUlp = 4;

// float has room to spare in double; double needs the longer type.
static long double exact_sigmoid(float x) { return 1 / (1 + std::exp(-static_cast<double>(x))); }
static long double exact_tanh(float x) { return std::tanh(static_cast<double>(x)); }
static long double exact_sigmoid(double x) {
  return 1 / (1 + std::exp(-static_cast<long double>(x)));
}
static long double exact_tanh(double x) { return std::tanh(static_cast<long double>(x)); }

template <class T>
static std::vector<T> flushed(const std::vector<T>& values,
                              const std::function<Lane<T>(Lane<T>)>& f) {
  const FlushDenormals flush;
  return map_lanes(values, f);
}

template <class T>
static void check_sigmoid_sweep(Index sparse, Index dense) {
  constexpr long double smallest = std::numeric_limits<T>::min();
  Worst<T> worst;
  long outside = 0, wrongly_flushed = 0;
  sweep_finite<T>(sparse, dense, [&](const std::vector<T>& xs) {
    const auto ys = flushed<T>(xs, [](Lane<T> x) { return Sigmoid::value(x); });
    for (std::size_t k = 0; k < xs.size(); ++k) {
      const long double exact = exact_sigmoid(xs[k]);
      outside += !(ys[k] >= 0 && ys[k] <= 1);
      const bool at_the_edge =
          exact < smallest * (1 + kMostUlp * std::numeric_limits<T>::epsilon());
      if (ys[k] == 0 || exact < smallest) {
        wrongly_flushed += !(at_the_edge && ys[k] <= smallest);
      } else {
        worst.see(xs[k], ys[k], exact);
      }
    }
  });
  worst.print("sigmoid");
  CHECK(worst.ulp <= kMostUlp);
  CHECK(outside == 0 && wrongly_flushed == 0);
}
TEST(accuracy_sigmoid_float) { check_sigmoid_sweep<float>(2000, 24000); }
TEST(accuracy_sigmoid_double) { check_sigmoid_sweep<double>(128, 8000); }

template <class T>
static void check_tanh_sweep(Index sparse, Index dense) {
  Worst<T> worst;
  long outside = 0, not_odd = 0;
  sweep_finite<T>(sparse, dense, [&](const std::vector<T>& xs) {
    const auto ys = flushed<T>(xs, [](Lane<T> x) { return Tanh::value(x); });
    const auto mirrored = flushed<T>(xs, [](Lane<T> x) { return -Tanh::value(-x); });
    for (std::size_t k = 0; k < xs.size(); ++k) {
      outside += !(ys[k] >= -1 && ys[k] <= 1);
      not_odd += !same_bits(ys[k], mirrored[k]);
      if (std::abs(xs[k]) < std::numeric_limits<T>::min()) {
        outside += ys[k] != 0;
      } else {
        worst.see(xs[k], ys[k], exact_tanh(xs[k]));
      }
    }
  });
  worst.print("tanh");
  CHECK(worst.ulp <= kMostUlp);
  CHECK(outside == 0 && not_odd == 0);
}
TEST(accuracy_tanh_float) { check_tanh_sweep<float>(2000, 24000); }
TEST(accuracy_tanh_double) { check_tanh_sweep<double>(128, 8000); }

// The stretches where the formulas change: saturation of tanh, the ends of exp's range, x near 0.
template <class T>
static void check_edges(const std::vector<T>& edges) {
  Worst<T> sigmoid, tanh;
  for (const T edge : edges) {
    std::vector<T> xs{edge};
    for (int k = 0; k < 500; ++k) xs.push_back(std::nextafter(xs.back(), T(1e6)));
    for (T low = edge; xs.size() < 1001;) xs.push_back(low = std::nextafter(low, T(-1e6)));
    const auto tanhs = flushed<T>(xs, [](Lane<T> x) { return Tanh::value(x); });
    const auto sigmoids = flushed<T>(xs, [](Lane<T> x) { return Sigmoid::value(x); });
    for (std::size_t k = 0; k < xs.size(); ++k) {
      tanh.see(xs[k], tanhs[k], exact_tanh(xs[k]));
      const long double exact = exact_sigmoid(xs[k]);
      if (exact >= std::numeric_limits<T>::min() * 1.000001L)
        sigmoid.see(xs[k], sigmoids[k], exact);
    }
  }
  sigmoid.print("sigmoid at the edges");
  tanh.print("tanh at the edges");
  CHECK(sigmoid.ulp <= kMostUlp && tanh.ulp <= kMostUlp);
}
TEST(accuracy_at_the_edges_of_the_formulas) {
  check_edges<float>({10.0f, -10.0f, 9.0109f, 0.34657359f, 0.17328680f, -0.34657359f, 88.0f, -88.0f,
                      87.3f, -87.3f, -87.336544f, 1e-30f, 1.0f, 16.6355f});
  check_edges<double>({20.0, -20.0, 19.0615, 0.34657359027997264, 0.17328679513998632, 709.0,
                       -709.0, 708.0, -708.0, -708.3964185322641, 1e-300, 1.0, 36.7368});
}
