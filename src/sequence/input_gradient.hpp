// dx = da W, the product over the gates that follows the backward time loop.
#pragma once

#include "base/interruption.hpp"
#include "sequence/saved.hpp"

namespace tidegate {

// `saved` holds da of the rows that are asked for.
template <class T>
class InputGradientPass {
 public:
  InputGradientPass(const PackedWeights<T>& weights, Saved<T>& saved, SequenceView<T> dx,
                    int threads)
      : w_(weights),
        matrix_(weights.input_transposed),
        saved_(saved),
        dx_(dx),
        interruption_(Interruption::current()),
        zeros_(weights.input_layout.padded),
        products_(checked_product(threads, block_rows(), columns_at_once())) {
    zeros_.zero();
  }

  // All rows; every thread of the team calls it once. Where W is read in place, each thread reads a
  // part of it.
  void run(int thread, int team) noexcept {
    const Index rows = saved_.rows.total(), groups = w_.input_layout.groups;
    if (!matrix_.packed() || rows < team) {
      run({0, rows}, even_slice(groups, team, thread), thread);
    } else {
      run(even_slice(rows, team, thread), {0, groups}, thread);
    }
  }

  // Some rows of all steps, on one thread.
  void run_rows(Range rows) noexcept { run(rows, {0, w_.input_layout.groups}, 0); }

 private:
  static constexpr Index kRows = 48;

  Index block_rows() const { return std::min(kRows, saved_.rows.total()); }
  Index columns_at_once() const {
    const Index groups = matrix_.at_once({0, w_.input_layout.groups});
    return w_.input_layout.blocks_of({0, groups}).size() * Lane<T>::kSize;
  }

  // A block of rows at a time, so that W^T is read once per block; back and forth, so that what a
  // cache still has of it comes first.
  void run(Range rows, Range columns, int thread) {
    T* const product = products_.data() + thread * block_rows() * columns_at_once();
    bool from_end = false;
    for (Index begin = rows.begin; begin < rows.end; begin += kRows, from_end = !from_end) {
      if (interruption_.raised()) return;
      const Range block{begin, std::min(begin + kRows, rows.end)};
      interruption_.poll(block.size() * matrix_.k_size() * columns.size() * Lane<T>::kSize);
      matrix_.for_groups(columns, from_end,
                         [&](Range groups) { multiply(block, groups, product); });
    }
  }

  // dx of some rows and groups of inputs
  void multiply(Range rows, Range groups, T* product) {
    const Range blocks = w_.input_layout.blocks_of(groups);
    const Index width = blocks.size() * Lane<T>::kSize, first = blocks.begin * Lane<T>::kSize;
    const OperandRows<T> da(saved_.gate_row(rows.begin) + saved_.dproduct_ih(), saved_.row_size());
    matrix_.multiply(groups, rows.size(), da, {zeros_.data(), 0, product, width});
    const Index valid = std::min(width, w_.input_size - first);
    StepRow row = saved_.rows.at(rows.begin);
    for (Index r = 0; r < rows.size(); ++r, row = saved_.rows.after(row)) {
      copy_row(product + r * width, valid, dx_.at(row.s, row.j) + first);
    }
  }

  const PackedWeights<T>& w_;
  const WeightMatrix<T>& matrix_;
  Saved<T>& saved_;
  const SequenceView<T> dx_;
  Interruption& interruption_;
  AlignedBuffer<T> zeros_;  // of one row
  AlignedBuffer<T> products_;
};

}  // namespace tidegate
