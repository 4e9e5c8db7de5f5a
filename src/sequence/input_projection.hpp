// a = W x + b of a chunk of steps, before the time loop needs it: the weights are read once for all
// of its rows.
#pragma once

#include "sequence/packed_weights.hpp"
#include "sequence/part.hpp"
#include "sequence/rows.hpp"

namespace tidegate {

template <class T, class Cell>
class InputProjection {
 public:
  InputProjection(const PackedWeights<T>& weights, const ActiveRows& rows, SequenceView<const T> x,
                  Index chunk)
      : w_(weights),
        rows_(rows),
        x_(x),
        chunk_rows_(chunk * rows.batch),
        buffer_(checked_product(chunk_rows_, weights.layout.padded * Cell::kSlots)) {}

  // For the part's groups and rows, of all steps of a chunk.
  void run(const Part& part, Range steps) {
    if (part.rows.size() == 0) return;
    for (Index g = part.groups.begin; g < part.groups.end; ++g) {
      if (part.interruption->raised()) return;
      part.interruption->poll(part.rows.size() * steps.size() * width(g) * w_.input_size);
      if (has_all_rows(part)) {  // all rows of all steps are contiguous: one product
        const Index begin = rows_.row(steps.begin, 0), end = rows_.row(steps.end, 0);
        if (const StepRows<const T> x = x_.rows_from(steps.begin, rows_.batch)) {
          multiply(g, end - begin, OperandRows<T>(x.first, x.distance), at(g, 0));
          continue;
        }
        const auto row_of = [&](Index r) {
          const auto [t, b] = rows_.at(begin + r);
          return x_.at(t, b);
        };
        multiply(g, end - begin, row_of, at(g, 0));
        continue;
      }
      for (Index t = steps.begin; t < steps.end; ++t) {
        const Range rows = rows_.active(part.rows, t);
        const auto row_of = [&](Index r) { return x_.at(t, rows.begin + r); };
        multiply(g, rows.size(), row_of, at(g, row(part, steps.begin, t, rows.begin)));
      }
    }
  }

  // The buffer is [group][row][slot][block of the group][lanes].
  T* at(Index group, Index row) {
    return buffer_.data() + chunk_rows_ * w_.slot_offset(group) + row * width(group);
  }
  // Row b of step t in a chunk that begins at step `first`. Rows that run lie one after the other,
  // unless slices of the batch, which do not wait for each other, share it: then each row has its
  // place at every step.
  Index row(const Part& part, Index first, Index t, Index b) const {
    if (has_all_rows(part)) return rows_.row(t, b) - rows_.row(first, 0);
    return (t - first) * rows_.batch + b;
  }
  // From one row of a group to the next.
  Index width(Index group) const {
    return w_.layout.blocks_of(group).size() * Cell::kSlots * UnitLayout<T>::kLanes;
  }

 private:
  bool has_all_rows(const Part& part) const { return part.rows.size() == rows_.batch; }

  void multiply(Index group, Index rows, const OperandRows<T>& x, T* to) {
    const T* bias = w_.bias.data() + w_.slot_offset(group);
    const Index row_width = width(group);
    w_.input.multiply({group, group + 1}, rows, x, {bias, 0, to, row_width});
    if constexpr (Cell::kInputSlots < Cell::kSlots) {  // slots without an input start from the bias
      const Index begin = row_width / Cell::kSlots * Cell::kInputSlots;
      for (Index r = 0; r < rows; ++r) {
        std::copy(bias + begin, bias + row_width, to + r * row_width + begin);
      }
    }
  }

  const PackedWeights<T>& w_;
  const ActiveRows rows_;
  const SequenceView<const T> x_;
  const Index chunk_rows_;
  AlignedBuffer<T> buffer_;
};

}  // namespace tidegate
