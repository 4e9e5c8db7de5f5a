// Bits, units in the last place and the names of the floating-point types in messages.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace tidegate_test {

template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

template <class T>
BitsOf<T> bits_of(T value) {
  BitsOf<T> bits;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <class T>
T from_bits(BitsOf<T> bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
template <class T>
bool same_bits(T a, T b) {
  return bits_of(a) == bits_of(b);
}
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template <class T>
constexpr const char* name_of() {
  return sizeof(T) == 4 ? "float" : "double";
}

// |actual - expected| in units of T's spacing at `expected`, which must be in T's normal range.
template <class T>
long double ulp_error(T actual, long double expected) {
  if (!std::isfinite(actual)) return std::numeric_limits<long double>::infinity();
  int exponent = 0;
  std::frexp(expected, &exponent);
  const long double spacing = std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits);
  return std::abs(static_cast<long double>(actual) - expected) / spacing;
}

// a*b + c rounded as multiply_add() rounds it: once where the instruction set fuses, else twice.
template <class T>
T multiply_add_scalar(T a, T b, T c) {
#if defined(__FMA__) || defined(__aarch64__)
  return std::fma(a, b, c);
#else
  const T product = a * b;
  return product + c;
#endif
}

}  // namespace tidegate_test
