// Stacked layers, each over the outputs of the one before, in one call. What passes between them
// stays inside.
#pragma once

#include "sequence/together.hpp"

namespace tidegate {

// One layer of a stack, first layer first. States are as in ForwardProblem.
template <class T>
struct StackedForward {
  const PackedWeights<T>* weights;
  Saved<T>* saved;  // of every layer or of none
  const T* h0;
  const T* c0;
  T* h_last;
  T* c_last;
};

// One layer of a stack, first layer first. Gradients of states are as in BackwardProblem.
template <class T>
struct StackedBackward {
  const PackedWeights<T>* weights;
  Saved<T>* saved;
  const T* dh_last;
  const T* dc_last;
  T* dh0;
  T* dc0;
  WeightGradients<T> gradients;
  bool accumulate = false;  // as in BackwardProblem
};

// x and y (T, B, P of the last layer) are over `rows`; y may be null. Prepares what is saved. T, B
// and all H are at least 1.
template <class T>
void run_stack(const std::vector<StackedForward<T>>& layers, const ActiveRows& rows,
               SequenceView<const T> x, SequenceView<T> y, MaskedOutput masked_output, int threads);

// dy and dx may be null.
template <class T>
void run_stack(const std::vector<StackedBackward<T>>& layers, SequenceView<const T> dy,
               SequenceView<T> dx, MaskedOutput masked_output, int threads);

}  // namespace tidegate
