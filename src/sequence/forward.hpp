// The forward pass of one layer over a batch of sequences.
#pragma once

#include "sequence/masked_output.hpp"
#include "sequence/pass.hpp"
#include "sequence/saved.hpp"

namespace tidegate {

template <class T>
struct ForwardProblem {
  ActiveRows rows;
  SequenceView<const T> x;  // (T, B, I)
  SequenceView<T> y;        // (T, B, P), or null when only the final state is wanted
  const T* h0;              // (B, P), or null for zeros; P is the output_size of the weights
  const T* c0;              // (B, H)
  T* h_last;                // (B, P)
  T* c_last;                // (B, H)
  MaskedOutput masked_output = MaskedOutput::kZero;  // of y, where rows have gaps
  StateFactors<T> factors{};
  SequenceView<T> cell_states = {};  // (T, B, H), c after each step; or null
};

// A pass that fills y, h_last and c_last, and `saved` unless it is null, on at most `threads`
// threads. It may run again and again: the caller changes what the arrays hold. T, B and H are at
// least 1; h_last may be h0, and c_last c0. Views of sequences are over `rows`, here and below.
template <class T>
std::unique_ptr<Pass> make_forward(const PackedWeights<T>& weights,
                                   const ForwardProblem<T>& problem, Saved<T>* saved, int threads);

// The same once, with the cores divided between the calls in flight.
template <class T>
void run_forward(const PackedWeights<T>& weights, const ForwardProblem<T>& problem, Saved<T>* saved,
                 int threads);

template <class T>
Work work_of(const PackedWeights<T>& weights, const ActiveRows& rows);

}  // namespace tidegate
