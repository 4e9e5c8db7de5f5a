#include "sequence/packed_weights.hpp"

#include "support/engine.hpp"
#include "test.hpp"

using namespace tidegate_test;

// Bias rows per slot, written out from the equations: a slot starts from the biases of its gate;
// the two halves of a reset-after n (slots 0 and 3) have one each.
struct SlotBias {
  int input_gate, recurrent_gate;  // -1: none
};
static std::vector<SlotBias> slot_biases(const CellConfig& config) {
  if (config.kind == CellKind::kRnn) return {{0, 0}};
  if (config.coupled != Coupled::kNone) return {{0, 0}, {1, 1}, {2, 2}};
  if (config.kind == CellKind::kLstm) return {{0, 0}, {1, 1}, {2, 2}, {3, 3}};
  if (config.reset_after) return {{2, -1}, {0, 0}, {1, 1}, {-1, 2}};
  return {{0, 0}, {1, 1}, {2, 2}};
}

template <class T>
static void check_bias(const Shape& s, LayerArrays<T> arrays) {
  const Engine<T> engine(s, arrays);
  const auto& w = engine.weights;
  const auto biases = slot_biases(s.config);
  CHECK(static_cast<Index>(biases.size()) == w.plan.slots);
  CHECK(w.bias.size() == w.plan.slots * w.layout.padded);
  const auto row = [&](const std::vector<T>& bias, int gate, Index unit) {
    return bias.empty() || gate < 0 ? T(0) : bias[at(gate * s.units + unit)];
  };
  for (Index unit = 0; unit < w.layout.padded; ++unit) {
    const Index block = unit / w.layout.kLanes, group = block / w.layout.group_blocks;
    const auto blocks = w.layout.blocks_of(group);
    for (Index slot = 0; slot < w.plan.slots; ++slot) {
      const Index place = w.slot_offset(group) +
                          (slot * blocks.size() + block - blocks.begin) * w.layout.kLanes +
                          unit % w.layout.kLanes;
      const SlotBias from = biases[at(slot)];
      const T expected = unit < s.units ? row(arrays.bias_ih, from.input_gate, unit) +
                                              row(arrays.bias_hh, from.recurrent_gate, unit)
                                        : T(0);
      CHECK(same_bits(w.bias.data()[place], expected));
    }
  }
}
TEST(packed_weights_bias_of_every_slot) {
  for (const CellConfig& config : all_cells()) {
    if (config.layer_norm || config.decays_memory) continue;  // theirs come later, or from b_cc too
    for (const Index units : {1, 5, 37, 70}) {
      const Shape s{config, 1, 1, 3, units};
      auto arrays = random_arrays<float>(s, 9);
      check_bias(s, arrays);
      arrays.bias_hh.clear();
      check_bias(s, arrays);
      arrays.bias_ih.clear();
      check_bias(s, arrays);
    }
  }
}

TEST(packed_weights_bytes_per_step_are_the_recurrent_matrices) {
  for (const CellConfig& config : all_cells()) {
    const Shape s{config, 1, 1, 3, 20};
    const Engine<double> engine(s, random_arrays<double>(s, 1));
    const Index padded = engine.weights.layout.padded;
    const bool full = config.peephole == Peephole::kFull;
    const Index matrices =
        s.gates() + (full ? s.peephole_size() / (s.units * s.units) : 0) + config.decays_memory;
    CHECK(engine.weights.bytes_per_step() == matrices * padded * 20 * 8);
  }
}

// Packing by several threads, or again over an earlier packing, changes no bit of the results.
TEST(packed_weights_do_not_depend_on_the_threads_that_pack) {
  for (const CellConfig& config : all_cells()) {
    const Shape s{config, 3, 2, 19, 45};
    const auto arrays = random_arrays<float>(s, 5);
    const auto upstream = random_upstream<float>(s, 6);
    Engine<float> once(s, arrays);
    Engine<float> again(s, arrays);
    again.pack(3);
    again.pack(2);
    CHECK(same_bits(once.forward().y, again.forward().y));
    auto a = once.backward(upstream), b = again.backward(upstream);
    for (std::size_t k = 0; k < a.fields().size(); ++k) {
      CHECK(same_bits(*a.fields()[k].second, *b.fields()[k].second));
    }
  }
}

// What is packed and what is read where it lies changes no bit: every combination.
template <class T>
static void check_every_packing(const Shape& s) {
  const auto arrays = random_arrays<T>(s, 5);
  const auto upstream = random_upstream<T>(s, 6);
  Engine<T> whole(s, arrays), some(s, arrays, {2, true, true, {}});
  const auto expected = whole.forward();
  auto a = whole.backward(upstream);
  for (unsigned bits = 0; bits < 15; ++bits) {
    some.pack(2, {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
    CHECK(some.weights.input.packed() == ((bits & 1) != 0));
    CHECK(same_bits(some.forward().y, expected.y));
    auto b = some.backward(upstream);
    for (std::size_t k = 0; k < a.fields().size(); ++k) {
      CHECK(same_bits(*a.fields()[k].second, *b.fields()[k].second));
    }
  }
}
TEST(packed_weights_in_place_give_the_same_bits) {
  for (const CellConfig& config : all_cells()) {
    check_every_packing<float>({config, 3, 2, 19, 45});
    check_every_packing<float>({config, 2, 13, 70, 150});
    check_every_packing<double>({config, 2, 1, 8, 21});
  }
}

TEST(packed_weights_sizes_that_overflow_are_bad_alloc) {
  const CellConfig lstm{};
  CHECK_THROWS(tidegate::PackedWeights<float>(lstm, Index{1} << 58, 16), "bad_alloc");
}
