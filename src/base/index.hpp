// The integer type of every size, index and stride, in elements unless a name says bytes.
#pragma once

#include <cstddef>

namespace tidegate {

using Index = std::ptrdiff_t;

constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }
constexpr Index round_up(Index a, Index b) { return ceil_div(a, b) * b; }

// A half-open range [begin, end).
struct Range {
  Index begin = 0;
  Index end = 0;
  Index size() const { return end - begin; }

  // The k-th of the range, or the k-th from its end. Who walks a range back and forth meets first
  // what was read last, which a cache smaller than the whole still has.
  Index at(Index k, bool from_end) const { return from_end ? end - 1 - k : begin + k; }
};

// The part'th of `parts` nearly equal contiguous pieces of 0..n; earlier pieces are the larger
// ones.
constexpr Range even_slice(Index n, Index parts, Index part) {
  const Index base = n / parts;
  const Index extra = n % parts;
  const Index begin = part * base + (part < extra ? part : extra);
  return {begin, begin + base + (part < extra ? 1 : 0)};
}

}  // namespace tidegate
