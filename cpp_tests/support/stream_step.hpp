// A pass of one step after the other, as a stream has it.
#pragma once

#include "sequence/forward.hpp"
#include "support/layer_pointers.hpp"

namespace tidegate_test {

// One step over x (B, I), which writes the state where it reads it. `of` holds the step's factors.
template <class T>
tidegate::ForwardProblem<T> stream_step(const Shape& s, const std::vector<T>& x,
                                        tidegate::SequenceView<T> y, std::vector<T>& h,
                                        std::vector<T>& c, const LayerArrays<T>& of) {
  return {{1, s.batch},
          {x.data(), 0, s.inputs},
          y,
          h.data(),
          c.data(),
          h.data(),
          c.data(),
          tidegate::MaskedOutput::kZero,
          factors_of(of, s.batch)};
}

}  // namespace tidegate_test
