// Products over rows: out[e][column] = sum over rows r of da[r][e] * operand[r][column].
//
//             operands, a block of columns       One sweep finishes some panels (kMaxVectors
//             vectors
//   da  +------------------------------+         of da each). da is read where it lies; a block of
//  rows | out[panel][column][vectors]  |         rows of the operands is gathered (any strides, no
//       +------------------------------+         transposed copy of a whole array), then the micro-
//                                                kernel accumulates.
// Every element is one chain over r in order, whatever the blocks and sweeps.
#pragma once

#include <algorithm>

#include "base/aligned_buffer.hpp"
#include "gemm/tile.hpp"
#include "math/transpose.hpp"

namespace tidegate {

// Rows of vectors at constant distance.
template <class T>
struct VectorRows {
  const T* data;
  Index stride;
  Index vectors;
};

// One thread's scratch for sweeps over as many rows, panels and columns as were reserved at most.
template <class T>
class OuterProduct {
  using V = Lane<T>;

 public:
  // Makes room; memory that is large enough is used again.
  void reserve(Index rows, Index panels, Index columns) {
    block_rows_ = std::min(rows, kBlockRows);
    capacity_ = std::min(panels, kSweepPanels);
    operand_stride_ = round_up(columns, kPad) + kPad;
    operand_.resize(checked_product(block_rows_, operand_stride_));
    out_.resize(checked_product(capacity_, columns, kWidth));
  }

  Index capacity() const { return capacity_; }  // panels of one sweep

  // Multiplies all of da by `columns` columns; gather(r, to) copies those of row r.
  template <class Gather>
  void run(Index rows, const VectorRows<T>& da, Index columns, const Gather& gather) {
    vectors_ = da.vectors;
    columns_ = columns;
    std::fill_n(out_.data(), vectors_ * V::kSize * columns, T(0));
    for (Index begin = 0; begin < rows; begin += block_rows_) {
      const Index count = std::min(block_rows_, rows - begin);
      for (Index r = 0; r < count; ++r) {
        gather(begin + r, operand_.data() + r * operand_stride_);
      }
      const T* const block = da.data + begin * da.stride;
      for (Index c = 0; c < columns; c += kBlockColumns) {
        for (Index v = 0; v < vectors_; v += kMaxVectors) {
          multiply(count, block + v * V::kSize, da.stride, v,
                   {c, std::min(columns, c + kBlockColumns)});
        }
      }
    }
  }

  // Vector `v` of the last sweep, of which `valid` elements exist: a row of columns.size() each.
  void copy_rows(Index v, Index valid, Range columns, T* to) const {
    const Index stride = panel_width(v - v % kMaxVectors);
    const T* from = panel_out(v - v % kMaxVectors) + columns.begin * stride;
    from += v % kMaxVectors * V::kSize;
    Index c = 0;
    if (valid == V::kSize) {
      for (; c + V::kSize <= columns.size(); c += V::kSize) {
        transpose_block(from + c * stride, stride, to + c, columns.size());
      }
    }
    for (Index row = 0; row < valid; ++row) {
      for (Index k = c; k < columns.size(); ++k) {
        to[row * columns.size() + k] = from[k * stride + row];
      }
    }
  }

 private:
  // Measured: what a block of columns needs of all panels of a sweep stays in the L2 cache.
  static constexpr Index kBlockRows = 256, kBlockColumns = 120, kSweepPanels = 8;
  static constexpr Index kPad = 16;  // the stride is odd in lines: rows spread over a cache's sets
  static constexpr Index kWidth = kMaxVectors * V::kSize;

  // Of the panel that starts at vector `v`.
  Index panel_width(Index v) const { return std::min<Index>(kMaxVectors, vectors_ - v) * V::kSize; }
  const T* panel_out(Index v) const { return out_.data() + v * V::kSize * columns_; }

  void multiply(Index rows, const T* da, Index stride, Index v, Range columns) {
    const Index width = panel_width(v);
    T* to = out_.data() + v * V::kSize * columns_ + columns.begin * width;
    const auto column = [&](Index c) { return operand_.data() + columns.begin + c; };
    multiply_panel<T>(rows, columns.size(), column, operand_stride_,
                      {da, stride, static_cast<int>(width / V::kSize)}, {to, width, to, width});
  }

  Index block_rows_ = 0, capacity_ = 0, operand_stride_ = 0;
  AlignedBuffer<T> operand_, out_;
  Index vectors_ = 0, columns_ = 0;  // of the last sweep
};

}  // namespace tidegate
