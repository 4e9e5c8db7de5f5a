// Where the arrays of state_scale, recurrent_scale, state_keep and memory_decay become
// StateFactors.
#pragma once

#include "bindings/arrays.hpp"
#include "sequence/state_factors.hpp"

namespace tidegate {

// Kept alive by who reads the views. Python has broadcast all of them to every step.
template <class T>
struct FactorArrays {
  OptionalArray<T> scale;  // (1 or G, steps and batch as the layout has them, P)
  bool product_only = false;
  OptionalArray<T> keep;    // without the first axis
  OptionalArray<T> memory;  // (steps and batch as the layout has them, 1)

  // Shapes were settled in Python, rows are contiguous.
  StateFactors<T> views(SequenceLayout layout, Dims dims, Index gates, Index units) const {
    StateFactors<T> factors;
    const Shape<3> shape = layout.shape(dims, units);
    if (scale) {
      const Index own = scale->ndim() == 4 ? scale->shape(0) : 0;
      CHECK_ARG(own == 1 || own == gates, "core: the scale is for 1 or for " << gates << " gates.");
      check_shape(*scale, "core: the scale", Shape<4>{own, shape[0], shape[1], shape[2]});
      factors.scale = layout.view_of(strides_of(*scale, 1), scale->data(), dims.steps);
      factors.scale_gate = own == 1 ? 0 : scale->strides(0) / Index{sizeof(T)};
      factors.product_only = product_only;
    }
    if (keep) {
      check_shape(*keep, "core: keep", shape);
      factors.keep = layout.view_of(strides_of(*keep, 0), keep->data(), dims.steps);
    }
    if (memory) {
      check_shape(*memory, "core: memory_decay", layout.shape(dims, 1));
      factors.memory = layout.view_of(strides_of(*memory, 0), memory->data(), dims.steps);
    }
    return factors;
  }

 private:
  static std::array<Index, 2> strides_of(const Array<T>& array, Index first) {
    constexpr Index kSize = sizeof(T);
    CHECK_ARG(array.shape(first + 2) <= 1 || array.strides(first + 2) == kSize,
              "core: a row of factors is not contiguous.");
    return {array.strides(first) / kSize, array.strides(first + 1) / kSize};
  }
};

}  // namespace tidegate
