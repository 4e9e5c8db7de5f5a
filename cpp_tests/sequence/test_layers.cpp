// Forward and backward of every cell against the textbook: odd sizes, one of everything, no inputs.
#include "support/layer_check.hpp"

using namespace tidegate_test;
using tidegate::Lane;

template <class T>
static void check_cells(const std::vector<std::array<Index, 4>>& sizes) {
  for (const CellConfig& config : all_cells()) {
    for (const auto& [steps, batch, inputs, units] : sizes) {
      check_layer<T>({config, steps, batch, inputs, units});
    }
  }
}

TEST(layers_smallest_sizes) {
  check_cells<float>({{1, 1, 1, 1}, {1, 1, 0, 1}, {2, 1, 1, 1}, {1, 3, 2, 1}, {4, 2, 0, 3}});
  check_cells<double>({{1, 1, 1, 1}, {1, 1, 0, 1}, {2, 1, 1, 1}, {1, 3, 2, 1}, {4, 2, 0, 3}});
}

// On both sides of a whole number of lanes.
template <class T>
static std::vector<std::array<Index, 4>> odd_sizes() {
  constexpr Index lanes = Lane<T>::kSize;
  return {{4, 3, 7, lanes - 1},
          {3, 2, lanes, lanes},
          {3, 7, lanes + 1, lanes + 1},
          {5, 2, 3, 2 * lanes + 3},
          {2, 13, 2 * lanes - 1, 5}};
}
TEST(layers_odd_sizes_float) { check_cells<float>(odd_sizes<float>()); }
TEST(layers_odd_sizes_double) { check_cells<double>(odd_sizes<double>()); }

// Enough blocks for groups of four, with a last group and a last block that are not full.
TEST(layers_many_blocks_float) {
  constexpr Index lanes = Lane<float>::kSize;
  check_cells<float>({{2, 1, 9 * lanes + 1, 17 * lanes + 3}});
}
TEST(layers_many_blocks_double) {
  constexpr Index lanes = Lane<double>::kSize;
  check_cells<double>({{2, 2, 9 * lanes + 1, 17 * lanes + 3}});
}

// More rows than a block of the weight gradients holds, and more steps than a chunk.
TEST(layers_long_sequences) { check_cells<double>({{150, 3, 2, 5}, {300, 1, 1, 2}}); }

// Different activations in each place, so that a mix-up shows.
TEST(layers_activations_in_every_place) {
  using K = ActivationKind;
  const K sets[][3] = {{K::kRelu, K::kSigmoid, K::kLinear},
                       {K::kSigmoid, K::kTanh, K::kRelu},
                       {K::kLinear, K::kSigmoid, K::kTanh},
                       {K::kTanh, K::kRelu, K::kSigmoid},
                       {K::kRelu, K::kSigmoid, K::kRelu}};
  for (CellConfig config : all_cells()) {
    for (const auto& set : sets) {
      config.activations.input.kind = set[0];
      config.activations.recurrent.kind = set[1];
      config.activations.output.kind = set[2];
      check_layer<double>({config, 4, 2, 3, Lane<double>::kSize + 1});
      check_layer<float>({config, 4, 2, 3, Lane<float>::kSize + 1});
    }
  }
}
