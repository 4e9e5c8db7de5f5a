// Which matrices of a layer are packed before a call, and which are read where they lie
// (gemm/weight_matrix.hpp). The choice never changes a result.
#pragma once

#include "base/index.hpp"
#include "sequence/rows.hpp"

namespace tidegate {

struct Packing {
  bool input, terms;                        // of the forward pass
  bool input_transposed, terms_transposed;  // of the backward pass

  static constexpr Packing all() { return {true, true, true, true}; }
  static constexpr Packing forward() { return {true, true, false, false}; }

  bool covers(const Packing& wanted) const { return both(wanted) == *this; }
  Packing both(const Packing& other) const {
    return {input || other.input, terms || other.terms, input_transposed || other.input_transposed,
            terms_transposed || other.terms_transposed};
  }
  friend bool operator==(const Packing& a, const Packing& b) {
    return a.input == b.input && a.terms == b.terms && a.input_transposed == b.input_transposed &&
           a.terms_transposed == b.terms_transposed;
  }
};

// For weights that serve one forward and backward pass, as in training.
Packing packing_of_one_step(Dims dims);

}  // namespace tidegate
