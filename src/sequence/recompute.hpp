// Training that keeps the states at some steps only, and what the steps between them saved is
// computed again when the backward pass gets there (Chen et al. 2016, "Training deep nets with
// sublinear memory cost"):
//
//   forward     h0 -[ segment 0 ]- h -[ segment 1 ]- h -[ segment 2, saved ]->
//   backward                                             <-[ segment 2 ]
//                                  h -[ segment 1, saved ]->
//                                                        <-[ segment 1 ]    and so on
//
// The gradients have the bits of a pass that saved everything: docs/design/0010.
#pragma once

#include "sequence/segments.hpp"
#include "sequence/stack.hpp"

namespace tidegate {

// What training keeps of one call of the engine: of one layer, or of several, which are independent
// or the layers of a stack, of which only the first has an x and only the last a y.
template <class T>
class Recomputation {
 public:
  // At most `every` steps are saved at a time, in `saved` of each call. What the calls read must
  // live until the backward pass is through, and y too.
  Recomputation(std::vector<ForwardCall<T>> calls, Order order, Index every);

  void run_forward(int threads);

  // Serves once. A problem per call, over the rows of its forward pass.
  void run_backward(const std::vector<BackwardProblem<T>>& problems, int threads);

 private:
  // The states of one call before each segment, as in ForwardProblem.
  struct Checkpoints {
    Index h_size, c_size;  // of one segment; 0 where there is no c
    AlignedBuffer<T> h, c;

    T* h_at(Index k) { return h.data() + k * h_size; }
    T* c_at(Index k) { return c_size == 0 ? nullptr : c.data() + k * c_size; }
  };

  Checkpoints checkpoints_of(const ForwardCall<T>& call) const;
  void reserve();
  std::vector<ForwardCall<T>> calls_of(Index segment);
  void run_again(Index segment, int threads);

  std::vector<ForwardCall<T>> calls_;
  const Order order_;
  const Segments segments_;
  std::vector<Checkpoints> states_;  // of each call
  std::vector<SegmentRows> rows_;    // of each call, in the segment of the last calls_of()
};

}  // namespace tidegate
