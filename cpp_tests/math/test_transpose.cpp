#include "math/transpose.hpp"

#include "support/floating.hpp"
#include "support/lanes.hpp"
#include "test.hpp"

using namespace tidegate_test;

template <class T>
static void check_block() {
  const Index lanes = Lane<T>::kSize, from_stride = lanes + 3, to_stride = lanes + 1;
  Random random(6);
  const auto from = random.values<T>(lanes * from_stride);
  std::vector<T> to(at(lanes * to_stride), T(-9));
  tidegate::transpose_block(from.data(), from_stride, to.data(), to_stride);
  for (Index c = 0; c < lanes; ++c) {
    for (Index r = 0; r < lanes; ++r) {
      CHECK(same_bits(to[at(c * to_stride + r)], from[at(r * from_stride + c)]));
    }
    CHECK(to[at(c * to_stride + lanes)] == T(-9));
  }
}
TEST(transpose_block_with_any_strides) {
  check_block<float>();
  check_block<double>();
}
