// log(1 + x) on lanes, the core of softplus.
#pragma once

#include "math/lane.hpp"

namespace tidegate {

// For 0 <= x <= 1: 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...) with s = x / (2 + x) <= 1/3, to below
// a quarter of a unit in the last place.
template <class T>
Lane<T> log1p_unit(const Lane<T>& x) {
  constexpr int kTerms = sizeof(T) == 4 ? 7 : 16;
  const Lane<T> s = x / (x + Lane<T>(T(2)));
  const Lane<T> squared = s * s, twice = s + s;
  Lane<T> tail(T(1) / T(2 * kTerms + 1));
  for (int k = kTerms - 1; k >= 1; --k) {
    tail = multiply_add(tail, squared, Lane<T>(T(1) / T(2 * k + 1)));
  }
  return multiply_add(twice * squared, tail, twice);
}

}  // namespace tidegate
