// Runs lane functions over whole arrays, for tests that think in scalars.
#pragma once

#include <vector>

#include "math/lane.hpp"
#include "support/random.hpp"

namespace tidegate_test {

using tidegate::Lane;

// result[k] = f(values[k]); the last lane is padded with zeros.
template <class T, class F>
std::vector<T> map_lanes(const std::vector<T>& values, const F& f) {
  std::vector<T> result(values.size());
  const Index size = static_cast<Index>(values.size());
  for (Index k = 0; k < size; k += Lane<T>::kSize) {
    const Lane<T> lane = Lane<T>::load_partial(values.data() + k, size - k);
    f(lane).store_partial(result.data() + k, size - k);
  }
  return result;
}

// f of one scalar, evaluated in every place of a lane; the places must agree.
template <class T, class F>
T map_scalar(T value, const F& f) {
  return map_lanes(std::vector<T>(at(Lane<T>::kSize), value), f).back();
}

}  // namespace tidegate_test
