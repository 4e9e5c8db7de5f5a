// A pass over many steps as passes over pieces of them, its segments: each continues where the one
// before stopped.
#pragma once

#include <memory>

#include "sequence/state_factors.hpp"

namespace tidegate {

// Ranges of `every` steps that end with the last step: if one is shorter, it is the first.
struct Segments {
  Index steps, every;

  Index count() const { return ceil_div(steps, every); }
  Range at(Index k) const {
    const Index end = steps - (count() - 1 - k) * every;
    return {end > every ? end - every : 0, end};
  }
};

// The rows of one segment, and views of the whole pass as that segment sees them.
class SegmentRows {
 public:
  SegmentRows(const ActiveRows& whole, Range steps) : first_(steps.begin) {
    if (whole.ragged != nullptr) {
      ragged_ = std::make_unique<const RaggedBatch>(whole.ragged->segment(steps));
      rows_ = ActiveRows(*ragged_);
    } else {
      rows_ = ActiveRows(steps.size(), whole.batch);
    }
  }

  const ActiveRows& rows() const { return rows_; }

  // Null stays null.
  template <class T>
  SequenceView<T> of(SequenceView<T> whole) const {
    if (whole && whole.ragged == nullptr) whole.data += first_ * whole.step;
    return whole.over(rows_);
  }
  template <class T>
  StateFactors<T> of(StateFactors<T> whole) const {
    whole.scale = of(whole.scale);
    whole.keep = of(whole.keep);
    whole.memory = of(whole.memory);
    return whole;
  }

 private:
  Index first_;
  std::unique_ptr<const RaggedBatch> ragged_;  // where rows_ finds it also after a move
  ActiveRows rows_;
};

}  // namespace tidegate
