// The arrays of a test as the engine's calls take them.
#pragma once

#include "sequence/packed_weights.hpp"
#include "sequence/state_factors.hpp"
#include "support/layer_arrays.hpp"

namespace tidegate_test {

// Null where an array is absent. Const arrays are what the engine reads, others what it writes.
template <class Arrays>
auto pointers_of(Arrays& of) {
  const auto get = [](auto& values) { return values.empty() ? nullptr : values.data(); };
  using T = std::remove_pointer_t<decltype(of.weight_ih.data())>;
  return tidegate::WeightPointers<T>{get(of.weight_ih), get(of.weight_hh), get(of.bias_ih),
                                     get(of.bias_hh),   get(of.peephole),  nullptr,
                                     get(of.weight_cc), get(of.bias_cc),   get(of.gamma_ih),
                                     get(of.gamma_hh),  get(of.gamma_c),   get(of.beta_c)};
}

// The decay of the memory, where the cell has one; (T, B), C-contiguous.
template <class T>
tidegate::StateFactors<T> factors_of(const LayerArrays<T>& of, Index batch) {
  tidegate::StateFactors<T> factors;
  if (!of.memory_decay.empty()) factors.memory = {of.memory_decay.data(), batch, 1};
  return factors;
}

}  // namespace tidegate_test
