// The forward pass of one layer over a batch of sequences.
#pragma once

#include "sequence/saved.hpp"
#include "sequence/schedule.hpp"

namespace tidegate {

template <class T>
struct ForwardProblem {
  Dims dims;
  SequenceView<const T> x;  // (T, B, I)
  SequenceView<T> y;        // (T, B, H), or null when only the final state is wanted
  const T* h0;              // (B, H), or null for zeros
  const T* c0;
  T* h_last;  // (B, H)
  T* c_last;
};

// A forward pass with its workspace, which may run again and again over the same problem: the
// caller changes what the arrays hold, run() allocates nothing. h_last may be h0, and c_last c0.
class ForwardRunner {
 public:
  virtual ~ForwardRunner() = default;
  // On at most `threads` threads, and not more than it was made for.
  virtual void run(int threads) = 0;
};

// Fills y, h_last and c_last, and `saved` unless it is null. T, B and H are at least 1.
template <class T>
std::unique_ptr<ForwardRunner> make_forward(const PackedWeights<T>& weights,
                                            const ForwardProblem<T>& problem, Saved<T>* saved,
                                            int threads);

// The same once, with the cores divided between the calls in flight.
template <class T>
void run_forward(const PackedWeights<T>& weights, const ForwardProblem<T>& problem, Saved<T>* saved,
                 int threads);

template <class T>
Work work_of(const PackedWeights<T>& weights, Dims dims);

}  // namespace tidegate
