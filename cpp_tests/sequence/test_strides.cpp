// Memory order is the caller's: batch first, time reversed, gaps between rows. No bit changes, and
// nothing outside the rows is written.
#include "support/layer_check.hpp"

using namespace tidegate_test;

template <class T>
static void check_order(const Shape& s, MemoryOrder order) {
  const auto arrays = random_arrays<T>(s, 21);
  const auto upstream = random_upstream<T>(s, 22);
  Engine<T> plain(s, arrays), strided(s, arrays, {1, true, true, order});
  const auto expected = plain.forward(), actual = strided.forward();
  CHECK(same_bits(actual.y, expected.y));
  CHECK(same_bits(actual.h_last, expected.h_last) && same_bits(actual.c_last, expected.c_last));
  auto gradients = plain.backward(upstream), again = strided.backward(upstream);
  for (std::size_t k = 0; k < gradients.fields().size(); ++k) {
    CHECK(same_bits(*again.fields()[k].second, *gradients.fields()[k].second));
  }
  CHECK(strided.gaps_untouched());
}

template <class T>
static void check_orders() {
  constexpr Index lanes = tidegate::Lane<T>::kSize;
  for (const CellConfig& config : all_cells()) {
    for (const bool batch_first : {false, true}) {
      for (const bool reversed : {false, true}) {
        for (const Index gap : {0, 3}) {
          check_order<T>({config, 5, 3, 2, lanes + 1}, {batch_first, reversed, gap});
          check_order<T>({config, 3, 4, lanes + 3, 2 * lanes - 1}, {batch_first, reversed, gap});
        }
      }
    }
  }
}
TEST(strides_change_no_bit_float) { check_orders<float>(); }
TEST(strides_change_no_bit_double) { check_orders<double>(); }
