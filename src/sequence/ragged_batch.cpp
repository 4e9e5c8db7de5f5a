#include "sequence/ragged_batch.hpp"

#include <algorithm>
#include <numeric>

namespace tidegate {

// Everything but the times of steps.
RaggedBatch::RaggedBatch(const std::vector<Index>& lengths, Index times)
    : times_(times), batch_of_(lengths.size()), spans_(lengths.size(), {0, times}) {
  std::iota(batch_of_.begin(), batch_of_.end(), Index{0});
  std::stable_sort(batch_of_.begin(), batch_of_.end(),
                   [&](Index a, Index b) { return lengths[at_index(a)] > lengths[at_index(b)]; });
  std::vector<Index> sorted;
  for (const Index b : batch_of_) sorted.push_back(lengths[at_index(b)]);
  add_rows(sorted);
}

void RaggedBatch::add_rows(const std::vector<Index>& lengths) {
  steps_before_.push_back(0);
  for (const Index length : lengths) steps_before_.push_back(steps_before_.back() + length);
  const Index steps = lengths.empty() ? 0 : lengths.front();
  step_.reserve(at_index(steps_before_.back()));
  starts_.push_back(0);
  starts_after_first_.push_back(0);
  Index active = batch();
  for (Index s = 0; s < steps; ++s) {
    while (active > 0 && length(active - 1) <= s) --active;
    starts_after_first_.push_back(batch() + starts_.back());
    starts_.push_back(starts_.back() + active);
    step_.insert(step_.end(), at_index(active), s);
  }
  time_.resize(step_.size());
}

RaggedBatch RaggedBatch::segment(Range steps) const {
  RaggedBatch part;
  part.times_ = times_;
  part.batch_of_ = batch_of_;
  std::vector<Index> lengths;
  for (Index j = 0; j < batch(); ++j) {
    const Index end = std::min(steps.end, length(j)), size = std::max<Index>(0, end - steps.begin);
    lengths.push_back(size);
    const bool follows = steps.begin > 0;
    if (follows && size == 0) {
      part.spans_.push_back({times_, times_});  // its gaps belong to earlier steps
    } else {
      part.spans_.push_back(
          {follows ? time_of(steps.begin, j) : 0, size == 0 ? times_ : next_time(end - 1, j)});
    }
  }
  part.add_rows(lengths);
  const auto first = time_.begin() + start(steps.begin);
  std::copy(first, time_.begin() + start(steps.end), part.time_.begin());
  return part;
}

RaggedBatch RaggedBatch::from_lengths(const std::int64_t* lengths, Dims dims, bool go_backwards) {
  RaggedBatch ragged(std::vector<Index>(lengths, lengths + dims.batch), dims.steps);
  for (Index s = 0; s < ragged.steps(); ++s) {
    for (Index j = 0; j < ragged.count(s); ++j) {
      const Index first = go_backwards ? dims.steps - ragged.length(j) : 0;
      ragged.time_[at_index(ragged.row(s, j))] = first + s;
    }
  }
  return ragged;
}

RaggedBatch RaggedBatch::from_mask(const bool* mask, Dims dims, bool go_backwards) {
  std::vector<Index> lengths;
  for (Index b = 0; b < dims.batch; ++b) {
    lengths.push_back(std::count(mask + b * dims.steps, mask + (b + 1) * dims.steps, true));
  }
  RaggedBatch ragged(lengths, dims.steps);
  for (Index j = 0; j < dims.batch; ++j) {
    const bool* of_row = mask + ragged.batch_of(j) * dims.steps;
    Index s = 0;
    for (Index time = 0; time < dims.steps; ++time) {
      if (of_row[go_backwards ? dims.steps - 1 - time : time]) {
        ragged.time_[at_index(ragged.row(s++, j))] = time;
      }
    }
  }
  return ragged;
}

Range RaggedBatch::slice(Index parts, Index part) const {
  const auto boundary = [&](Index p) {
    if (p == parts) return batch();  // rows without a step belong to the last slice
    const Index wanted = even_slice(total(), parts, p).begin;
    const auto at = std::lower_bound(steps_before_.begin(), steps_before_.end(), wanted);
    return static_cast<Index>(at - steps_before_.begin());
  };
  return {boundary(part), boundary(part + 1)};
}

}  // namespace tidegate
