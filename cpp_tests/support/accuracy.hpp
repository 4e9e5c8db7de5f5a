// Sweeps a function over every binary exponent of a type and keeps the worst error found.
#pragma once

#include <cstdio>

#include "support/floating.hpp"
#include "support/lanes.hpp"

namespace tidegate_test {

template <class T>
struct Worst {
  long double ulp = 0;
  T input = 0;
  long count = 0;

  void see(T x, T actual, long double expected) {
    const long double error = ulp_error(actual, expected);
    ++count;
    if (error > ulp) {
      ulp = error;
      input = x;
    }
  }
  void print(const char* function) const {
    std::printf("  %s %-6s %s: max %.3Lf ULP at %a over %ld values\n", TIDEGATE_ISA_NAME,
                name_of<T>(), function, ulp, static_cast<double>(input), count);
  }
};

template <class T>
constexpr int kMantissaBits = std::numeric_limits<T>::digits - 1;

// `count` values whose biased exponent is `exponent` (0: zero and the denormals) and whose sign is
// given: both ends of the binade, the rest random.
template <class T>
std::vector<T> binade(Random& random, int exponent, bool negative, Index count) {
  using Bits = BitsOf<T>;
  const Bits mantissa = (Bits(1) << kMantissaBits<T>)-1;
  const Bits high = (Bits(negative) << (8 * sizeof(T) - 1)) | (Bits(exponent) << kMantissaBits<T>);
  std::vector<T> values(at(count));
  for (T& value : values)
    value = from_bits<T>(high | (static_cast<Bits>(random.bits()) & mantissa));
  values.front() = from_bits<T>(high);
  values.back() = from_bits<T>(high | mantissa);
  return values;
}

// Calls visit(values) for each sign of each exponent of finite numbers. Binades where sigmoid and
// tanh bend (2^-16 .. 2^10) get `dense` values, the others `sparse`.
template <class T, class Visit>
void sweep_finite(Index sparse, Index dense, const Visit& visit) {
  constexpr int kExponents = std::numeric_limits<T>::max_exponent * 2 - 1;
  constexpr int kBias = std::numeric_limits<T>::max_exponent - 1;
  Random random(sizeof(T));
  for (int exponent = 0; exponent < kExponents; ++exponent) {
    const bool bends = exponent >= kBias - 16 && exponent <= kBias + 10;
    for (const bool negative : {false, true}) {
      visit(binade<T>(random, exponent, negative, bends ? dense : sparse));
    }
  }
}

}  // namespace tidegate_test
