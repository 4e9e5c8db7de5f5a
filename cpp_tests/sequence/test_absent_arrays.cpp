// What the caller leaves out: null states and biases count as zeros, null outputs are not written.
#include "support/layer_check.hpp"

using namespace tidegate_test;

static Shape shape_of(const CellConfig& config) {
  return {config, 4, 3, 5, tidegate::Lane<double>::kSize + 2};
}

TEST(absent_states_and_biases_are_zeros) {
  for (const CellConfig& config : all_cells()) {
    const Shape s = shape_of(config);
    for (int left_out = 0; left_out < 16; ++left_out) {
      auto arrays = random_arrays<double>(s, 3);
      if ((left_out & 1) != 0) arrays.bias_ih.clear();
      if ((left_out & 2) != 0) arrays.bias_hh.clear();
      if ((left_out & 4) != 0) arrays.h0.clear();
      if ((left_out & 8) != 0) arrays.c0.clear();
      auto zeros = arrays;
      zeros.h0.resize(at(s.batch * s.units));
      if (s.has_c()) zeros.c0.resize(at(s.batch * s.units));
      const auto upstream = random_upstream<double>(s, 4);
      Engine<double> engine(s, arrays);
      check_outputs(s, engine.forward(), Textbook<double>(s, arrays).forward());
      check_gradients(s, engine.backward(upstream), textbook_gradients(s, zeros, upstream));
    }
  }
}

TEST(absent_upstream_gradients_are_zeros) {
  for (const CellConfig& config : all_cells()) {
    const Shape s = shape_of(config);
    const auto arrays = random_arrays<double>(s, 5);
    for (int left_out = 1; left_out < 8; ++left_out) {
      auto upstream = random_upstream<double>(s, 6);
      if ((left_out & 1) != 0) upstream.y.clear();
      if ((left_out & 2) != 0) upstream.h_last.clear();
      if ((left_out & 4) != 0) upstream.c_last.clear();
      Engine<double> engine(s, arrays);
      engine.forward();
      check_gradients(s, engine.backward(upstream), textbook_gradients(s, arrays, upstream));
    }
  }
}

// Each gradient alone is the same as among all the others.
TEST(absent_gradients_leave_the_others_alone) {
  for (const CellConfig& config : all_cells()) {
    const Shape s = shape_of(config);
    const auto arrays = random_arrays<double>(s, 7);
    const auto upstream = random_upstream<double>(s, 8);
    Engine<double> engine(s, arrays);
    engine.forward();
    auto all = engine.backward(upstream);
    for (std::size_t wanted = 0; wanted < all.fields().size(); ++wanted) {
      if (wanted == 6 || wanted == 7) continue;  // h0 and c0 are always written
      LayerArrays<double> one;
      *one.fields()[wanted].second = *all.fields()[wanted].second;
      std::fill(one.fields()[wanted].second->begin(), one.fields()[wanted].second->end(), 0.0);
      one.h0.resize(all.h0.size());
      one.c0.resize(all.c0.size());
      engine.forward();
      engine.backward(upstream, one);
      for (const std::size_t k : {wanted, std::size_t{6}, std::size_t{7}}) {
        CHECK(same_bits(*one.fields()[k].second, *all.fields()[k].second));
      }
    }
  }
}

// The final state, and the gradients, are the same bits whatever else is kept. Several groups of
// units, so that a state that is overwritten too early shows.
template <class T>
static void check_what_is_kept(const Shape& s) {
  const auto arrays = random_arrays<T>(s, 9);
  const auto upstream = random_upstream<T>(s, 10);
  Engine<T> full(s, arrays);
  const auto expected = full.forward();
  auto gradients = full.backward(upstream);
  for (const bool training : {false, true}) {
    for (const bool returns_y : {false, true}) {
      Engine<T> engine(s, arrays, {1, training, returns_y, {}});
      const auto out = engine.forward();
      CHECK(same_bits(out.h_last, expected.h_last) && same_bits(out.c_last, expected.c_last));
      CHECK(!returns_y || same_bits(out.y, expected.y));
      if (!training) continue;
      auto again = engine.backward(upstream);
      for (std::size_t k = 0; k < again.fields().size(); ++k) {
        CHECK(same_bits(*again.fields()[k].second, *gradients.fields()[k].second));
      }
    }
  }
}
TEST(absent_y_and_saved_change_no_bit) {
  for (const CellConfig& config : all_cells()) {
    check_what_is_kept<float>({config, 4, 3, 5, 4 * tidegate::Lane<float>::kSize + 2});
    check_what_is_kept<double>({config, 5, 2, 3, 3 * tidegate::Lane<double>::kSize - 1});
  }
}
