#include "base/index.hpp"

#include "test.hpp"

using tidegate::ceil_div;
using tidegate::even_slice;
using tidegate::Index;
using tidegate::Range;
using tidegate::round_up;

TEST(index_ceil_div_and_round_up) {
  CHECK(ceil_div(0, 4) == 0);
  CHECK(ceil_div(1, 4) == 1);
  CHECK(ceil_div(4, 4) == 1);
  CHECK(ceil_div(5, 4) == 2);
  CHECK(round_up(0, 16) == 0);
  CHECK(round_up(16, 16) == 16);
  CHECK(round_up(17, 16) == 32);
}

TEST(index_even_slices_tile_the_range) {
  for (Index n = 0; n < 40; ++n) {
    for (Index parts = 1; parts < 12; ++parts) {
      Index next = 0, previous_size = n;
      for (Index part = 0; part < parts; ++part) {
        const Range slice = even_slice(n, parts, part);
        CHECK(slice.begin == next);
        CHECK(slice.size() == n / parts || slice.size() == n / parts + 1);
        CHECK(slice.size() <= previous_size);  // earlier pieces are the larger ones
        next = slice.end;
        previous_size = slice.size();
      }
      CHECK(next == n);
    }
  }
}
