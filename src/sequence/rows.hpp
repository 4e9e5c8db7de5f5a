// Views of sequence arrays and the storage of states over time.
#pragma once

#include "base/aligned_buffer.hpp"
#include "sequence/active_rows.hpp"

namespace tidegate {

// The rows of one step at a constant distance, so that where they begin is computed once.
template <class T>
struct StepRows {
  T* first = nullptr;
  Index distance = 0;

  T* at(Index b) const { return first + b * distance; }
  explicit operator bool() const { return first != nullptr; }
};

// A (T, B, width) array with any strides over time and batch; each row is contiguous. Batch-first
// and time-reversed arrays are the same view with other strides. A view for a ragged batch answers
// for its steps and sorted rows.
template <class T>
struct SequenceView {
  T* data = nullptr;
  Index step = 0;  // elements from one time step to the next
  Index row = 0;   // elements from one sequence of the batch to the next
  const RaggedBatch* ragged = nullptr;
  bool compact = false;  // the rows that run, one after the other, instead of an array of all times

  // Row b at step t of a pass.
  T* at(Index t, Index b) const {
    if (ragged == nullptr) return at_time(t, b);
    if (compact) return data + ragged->row(t, b) * row;
    return at_time(ragged->time_of(t, b), ragged->batch_of(b));
  }
  // All of a step, or none where their lengths scatter them.
  StepRows<T> rows_at(Index t) const {
    if (ragged == nullptr) return {data + t * step, row};
    return compact ? StepRows<T>{at(t, 0), row} : StepRows<T>{};
  }
  // All of step t and, at the same distance, of the steps after it; or none where there are gaps.
  StepRows<T> rows_from(Index t, Index batch) const {
    if (ragged != nullptr) return {};
    if (batch == 1) return {data + t * step, step};
    return step == batch * row ? StepRows<T>{data + t * step, row} : StepRows<T>{};
  }
  // The row as it lies in the array.
  T* at_time(Index time, Index sequence) const { return data + time * step + sequence * row; }
  explicit operator bool() const { return data != nullptr; }

  SequenceView<const T> read_only() const { return {data, step, row, ragged, compact}; }
  // The same array for a pass over `rows`.
  SequenceView over(const ActiveRows& rows) const { return {data, step, row, rows.ragged, false}; }
  bool has_gaps() const { return data != nullptr && ragged != nullptr && !compact; }
};

// Memory of rows.total() rows.
template <class T>
SequenceView<T> compact_view(const ActiveRows& rows, T* memory, Index width) {
  return {memory, rows.batch * width, width, rows.ragged, rows.ragged != nullptr};
}

// Padded (B, padded) rows at several times: all of them when saved for the backward pass, or a ring
// of the last one or two, which is all that the forward step looks back on. What it is to hold is
// said by one of the hold functions, which use memory again; contents are undefined afterwards.
template <class T>
class History {
 public:
  // After each step; and with time 0 before the first.
  void hold_all(const ActiveRows& rows, Index padded) {
    hold(rows.total(), ~Index{0}, rows.batch, padded);
    if (rows.ragged != nullptr) starts_ = rows.ragged->starts();
  }
  void hold_all_and_first(const ActiveRows& rows, Index padded) {
    hold(rows.total() + rows.batch, ~Index{0}, rows.batch, padded);
    if (rows.ragged != nullptr) starts_ = rows.ragged->starts_after_first();
  }
  void hold_last(Index batch, Index padded) { hold(batch, 0, batch, padded); }
  void hold_last_two(Index batch, Index padded) { hold(2 * batch, 1, batch, padded); }

  T* at(Index t, Index b) { return rows_.data() + offset(t, b); }
  const T* at(Index t, Index b) const { return rows_.data() + offset(t, b); }
  StepRows<T> rows_at(Index t) { return {at(t, 0), padded_}; }

 private:
  void hold(Index rows, Index mask, Index batch, Index padded) {
    rows_.resize(checked_product(rows, padded));
    mask_ = mask;
    batch_ = batch;
    padded_ = padded;
    starts_ = nullptr;
  }
  Index offset(Index t, Index b) const {
    return ((starts_ != nullptr ? starts_[t] : (t & mask_) * batch_) + b) * padded_;
  }

  Index mask_ = 0, batch_ = 0, padded_ = 0;
  const Index* starts_ = nullptr;  // of the times of a ragged batch
  AlignedBuffer<T> rows_;
};

}  // namespace tidegate
