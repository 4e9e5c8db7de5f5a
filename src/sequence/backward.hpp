// The backward pass of one layer: gradients of the inputs, the initial state and every weight.
#pragma once

#include "sequence/masked_output.hpp"
#include "sequence/pass.hpp"
#include "sequence/saved.hpp"

namespace tidegate {

template <class T>
struct BackwardProblem {
  SequenceView<const T> dy;  // (T, B, P), or null for zeros; P is the output_size of the weights
  const T* dh_last;          // (B, P), or null for zeros
  const T* dc_last;          // (B, H)
  SequenceView<T> dx;        // (T, B, I), or null
  T* dh0;                    // (B, P)
  T* dc0;                    // (B, H)
  WeightGradients<T> weights;
  MaskedOutput masked_output = MaskedOutput::kZero;  // as in the forward pass
  SequenceView<T> dscale{};  // (T, B, P), of a scale that is the same for all gates; or null
  SequenceView<const T> dcell_states = {};  // (T, B, H), or null for zeros
  SequenceView<T> dmemory = {};  // (T, B, H): the gradient by factors.memory, to be summed over H
  bool accumulate = false;       // add to the weight gradients instead of writing them
};

// A pass on at most `threads` threads that overwrites the gates in `saved`, so it runs once. In
// pieces, finish() serves a team of up to `finishers`. T, B and H are at least 1; gradients are
// written, unless they accumulate: then weights' continue the sums of later steps.
template <class T>
std::unique_ptr<Pass> make_backward(const PackedWeights<T>& weights, Saved<T>& saved,
                                    const BackwardProblem<T>& problem, int threads, int finishers);

// The same at once, with the cores divided between the calls in flight.
template <class T>
void run_backward(const PackedWeights<T>& weights, Saved<T>& saved,
                  const BackwardProblem<T>& problem, int threads);

template <class T>
Work backward_work_of(const PackedWeights<T>& weights, const ActiveRows& rows);

}  // namespace tidegate
