// Reproducible random numbers, the same on every platform (the standard distributions are not).
#pragma once

#include <cstdint>
#include <vector>

#include "base/index.hpp"

namespace tidegate_test {

using tidegate::Index;

constexpr std::size_t at(Index k) { return static_cast<std::size_t>(k); }

// SplitMix64 (Steele, Lea & Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
  }
  // `size` values in -scale..scale.
  template <class T>
  std::vector<T> values(Index size, double scale = 1.0) {
    std::vector<T> drawn(at(size));
    for (T& value : drawn) value = static_cast<T>(uniform(-scale, scale));
    return drawn;
  }

 private:
  std::uint64_t state_;
};

}  // namespace tidegate_test
