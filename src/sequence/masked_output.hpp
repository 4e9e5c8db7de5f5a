// What stands in the outputs of a ragged batch at invalid times, and what that does to gradients.
#pragma once

#include <algorithm>

#include "sequence/layout.hpp"
#include "sequence/rows.hpp"

namespace tidegate {

// Zeros, or the output before (zeros before the first).
enum class MaskedOutput { kZero, kHold };

// What row j gives out at invalid times, for some of the units.
template <class T>
void fill_gaps(const SequenceView<T>& of, const RaggedBatch& ragged, Index j, Range units,
               MaskedOutput masked_output) {
  const bool hold = masked_output == MaskedOutput::kHold;
  ragged.for_each_gap(j, [&](Range times, Index before) {
    const T* from = hold && before >= 0 ? of.at(before, j) + units.begin : nullptr;
    for (Index t = times.begin; t < times.end; ++t) {
      T* to = of.at_time(t, ragged.batch_of(j)) + units.begin;
      if (from == nullptr) {
        std::fill_n(to, units.size(), T(0));
      } else {
        std::copy_n(from, units.size(), to);
      }
    }
  });
}

template <class T>
void add_gradient(const T* given, const UnitLayout<T>& layout, Range blocks, T* to) {
  using V = Lane<T>;
  for (Index block = blocks.begin; block < blocks.end; ++block) {
    T* sum = to + block * V::kSize;
    const V more = V::load_partial(given + block * V::kSize, layout.valid(block));
    (V::load(sum) + more).store(sum);
  }
}

// to += the gradient by what step t of the rows gave out, and by its repetitions at the invalid
// times after it.
template <class T>
void add_gradients(const SequenceView<const T>& given, MaskedOutput masked_output, Index t,
                   Range rows, const UnitLayout<T>& layout, Range blocks, History<T>& to) {
  const StepRows<T> sums = to.rows_at(0);
  if (const StepRows<const T> even = given.rows_at(t)) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      add_gradient(even.at(b), layout, blocks, sums.at(b));
    }
    return;
  }
  const bool holds = masked_output == MaskedOutput::kHold;
  for (Index b = rows.begin; b < rows.end; ++b) {
    add_gradient(given.at(t, b), layout, blocks, sums.at(b));
    if (!holds) continue;
    const RaggedBatch& ragged = *given.ragged;
    const Index end = ragged.next_time(t, b);
    for (Index time = ragged.time_of(t, b) + 1; time < end; ++time) {
      add_gradient(given.at_time(time, ragged.batch_of(b)), layout, blocks, sums.at(b));
    }
  }
}

}  // namespace tidegate
