#include "sequence/ragged_batch.hpp"

#include <algorithm>
#include <numeric>

namespace tidegate {

// Everything but the times.
RaggedBatch::RaggedBatch(const std::vector<Index>& lengths, Index times)
    : times_(times), batch_of_(lengths.size()), steps_before_{0} {
  std::iota(batch_of_.begin(), batch_of_.end(), Index{0});
  std::stable_sort(batch_of_.begin(), batch_of_.end(),
                   [&](Index a, Index b) { return lengths[at_index(a)] > lengths[at_index(b)]; });
  for (const Index b : batch_of_) {
    steps_before_.push_back(steps_before_.back() + lengths[at_index(b)]);
  }
  const Index steps = batch_of_.empty() ? 0 : lengths[at_index(batch_of_.front())];
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
