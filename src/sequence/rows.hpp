// Views of sequence arrays and the storage of states over time.
#pragma once

#include "base/aligned_buffer.hpp"

namespace tidegate {

struct Dims {
  Index steps, batch;  // T, B
};

// A (T, B, width) array with any strides over time and batch; each row is contiguous. Batch-first
// and time-reversed arrays are the same view with other strides.
template <class T>
struct SequenceView {
  T* data = nullptr;
  Index step = 0;  // elements from one time step to the next
  Index row = 0;   // elements from one sequence of the batch to the next

  T* at(Index t, Index b) const { return data + t * step + b * row; }
  explicit operator bool() const { return data != nullptr; }
};

// Padded (B, padded) rows at several times: all of them when saved for the backward pass, or a ring
// of the last one or two, which is all that the forward step looks back on. What it is to hold is
// said by one of the hold functions, which use memory again; contents are undefined afterwards.
template <class T>
class History {
 public:
  void hold_all(Index times, Index batch, Index padded) { hold(times, ~Index{0}, batch, padded); }
  void hold_last(Index batch, Index padded) { hold(1, 0, batch, padded); }
  void hold_last_two(Index batch, Index padded) { hold(2, 1, batch, padded); }

  T* at(Index t, Index b) { return rows_.data() + offset(t, b); }
  const T* at(Index t, Index b) const { return rows_.data() + offset(t, b); }
  Index batch() const { return batch_; }

 private:
  void hold(Index times, Index mask, Index batch, Index padded) {
    rows_.resize(checked_product(times, batch, padded));
    mask_ = mask;
    batch_ = batch;
    padded_ = padded;
  }
  Index offset(Index t, Index b) const { return ((t & mask_) * batch_ + b) * padded_; }

  Index mask_ = 0, batch_ = 0, padded_ = 0;
  AlignedBuffer<T> rows_;
};

}  // namespace tidegate
