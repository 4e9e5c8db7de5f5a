// One pass of an optimizer over flat arrays: every number is read and written once, which is as
// fast as memory gives them. Where a number stands makes no difference to its bits.
//
// In one thread: a second one would save less of a training step than waiting for it may cost on a
// busy machine.
#pragma once

#include <algorithm>
#include <vector>

#include "base/denormals.hpp"
#include "base/index.hpp"
#include "optimizers/rules.hpp"

namespace tidegate {

// values = keep·values + change; `was` and `now` hold kSlots arrays each, and all are apart.
template <class T, class Rule>
void update(const Rule& rule, T keep, Index size, T* values, const T* gradient,
            const std::vector<T*>& was, const std::vector<T*>& now) {
  constexpr std::size_t kSlots = Rule::kSlots;
  std::array<const T*, kSlots> from;
  std::array<T*, kSlots> to;
  std::copy_n(was.begin(), kSlots, from.begin());
  std::copy_n(now.begin(), kSlots, to.begin());
  const FlushDenormals flush;  // a moment without gradients decays to nothing
#pragma GCC ivdep
  for (Index k = 0; k < size; ++k) {
    std::array<T, kSlots> before, after;
    for (std::size_t s = 0; s < kSlots; ++s) before[s] = from[s][k];
    values[k] = multiply_add(keep, values[k], rule.change(gradient[k], before, after));
    for (std::size_t s = 0; s < kSlots; ++s) to[s][k] = after[s];
  }
}

// Σ g², in double; NaN or inf only if a number is not finite or, of doubles, too large.
template <class T>
double squared_norm(const T* gradient, Index size) {
  constexpr Index kLanes = 16;
  double sums[kLanes] = {};
  const auto add = [&](Index k, Index lane) {
    const double g = gradient[k];
    sums[lane] = multiply_add(g, g, sums[lane]);
  };
  const Index whole = size - size % kLanes;
  for (Index k = 0; k < whole; k += kLanes) {
    for (Index lane = 0; lane < kLanes; ++lane) add(k + lane, lane);
  }
  for (Index k = whole; k < size; ++k) add(k, k - whole);
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace tidegate
