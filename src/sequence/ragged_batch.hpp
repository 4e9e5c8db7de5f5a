// Sequences of different lengths, with gaps: which steps run, and where they lie in time. Only
// valid steps run: step s of a row is its s-th valid one, so the state is held over gaps for
// nothing. Rows are sorted by their number of steps, most first; those that run at step s are the
// first count(s), and what the engine keeps holds them alone, one after the other:
//
//   mask, T = 4        rows sorted       time of step    kept as row
//   b 0   1 . . .      j 0 = b 1         0 2 3           0 3 5
//   b 1   1 . 1 1      j 1 = b 2         0 1             1 4
//   b 2   1 1 . .      j 2 = b 0         0               2
//                      count(s)          3 2 1
//
// Times are those of a pass: one that goes backwards counts them from the end.
#pragma once

#include <cstdint>
#include <vector>

#include "base/index.hpp"

namespace tidegate {

struct Dims {
  Index steps, batch;  // T, B
};

// Row j (sorted) at step s.
struct StepRow {
  Index s, j;
};

class RaggedBatch {
 public:
  // lengths (B,) of values in 0..T; mask (B, T), C-contiguous.
  static RaggedBatch from_lengths(const std::int64_t* lengths, Dims dims, bool go_backwards);
  static RaggedBatch from_mask(const bool* mask, Dims dims, bool go_backwards);

  Index steps() const { return static_cast<Index>(starts_.size()) - 1; }  // of the longest row
  Index times() const { return times_; }                                  // T

  // Some of the steps as a batch of their own, at the same times, rows in the same order. A gap
  // belongs to the step before it; one at the start of a row, to the first steps.
  RaggedBatch segment(Range steps) const;
  Index batch() const { return static_cast<Index>(batch_of_.size()); }
  Index total() const { return starts_.back(); }

  Index count(Index s) const { return start(s + 1) - start(s); }
  Index row(Index s, Index j) const { return start(s) + j; }  // s may be steps(): the end
  StepRow at(Index row) const {
    const Index s = step_[at_index(row)];
    return {s, row - start(s)};
  }
  Index batch_of(Index j) const { return batch_of_[at_index(j)]; }
  Index length(Index j) const {
    return steps_before_[at_index(j + 1)] - steps_before_[at_index(j)];
  }
  Index time_of(Index s, Index j) const { return time_[at_index(row(s, j))]; }
  // Of the step that follows, or T.
  Index next_time(Index s, Index j) const {
    return s + 1 < length(j) ? time_of(s + 1, j) : spans_[at_index(j)].end;
  }

  // Calls f(times, s) for each run of invalid times of row j; s is the step before, or -1.
  template <class F>
  void for_each_gap(Index j, const F& f) const {
    const Range span = spans_[at_index(j)];
    Index next = span.begin;
    for (Index s = 0; s < length(j); ++s) {
      const Index time = time_of(s, j);
      if (time > next) f(Range{next, time}, s - 1);
      next = time + 1;
    }
    if (span.end > next) f(Range{next, span.end}, length(j) - 1);
  }

  // Rows in `parts` contiguous slices of about as many steps.
  Range slice(Index parts, Index part) const;

  // The first row of each step, and the same behind one row per sequence from before the first.
  const Index* starts() const { return starts_.data(); }
  const Index* starts_after_first() const { return starts_after_first_.data(); }

 private:
  RaggedBatch(const std::vector<Index>& lengths, Index times);
  RaggedBatch() = default;

  void add_rows(const std::vector<Index>& lengths);  // sorted

  static std::size_t at_index(Index k) { return static_cast<std::size_t>(k); }
  Index start(Index s) const { return starts_[at_index(s)]; }

  Index times_ = 0;
  std::vector<Index> batch_of_;
  std::vector<Range> spans_;         // times of each row, gaps included
  std::vector<Index> steps_before_;  // of rows 0..j-1 together
  std::vector<Index> starts_, starts_after_first_;
  std::vector<Index> step_, time_;  // of each kept row
};

}  // namespace tidegate
