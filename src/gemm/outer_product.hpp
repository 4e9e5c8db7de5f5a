// Products over rows: out[e][column] = sum over rows r of da[r][e] * operand[r][column].
//
//                  operands, a block of columns
//                +------------------------------+
//   da, a panel  | out[panel][column][vectors]  |
//                +------------------------------+
//
// One sweep finishes some panels (kMaxVectors vectors of da each). da is read where it lies; a
// block of rows of the operands is gathered (any strides, no transposed copy of a whole array),
// then the micro-kernel accumulates.
//
// Every element is one chain over r in order, whatever the blocks and sweeps. Few rows take another
// way: they are gathered once, and each product goes straight to where it belongs. A chain may
// begin at what an earlier product wrote there.
#pragma once

#include <algorithm>

#include "base/aligned_buffer.hpp"
#include "base/interruption.hpp"
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
    few_rows_ = rows <= kFewRows;
    block_rows_ = std::min(rows, kBlockRows);
    capacity_ = few_rows_ ? panels : std::min(panels, kSweepPanels);
    operand_stride_ = round_up(columns, kPad) + kPad;
    operand_.resize(checked_product(block_rows_, operand_stride_));
    if (!few_rows_) out_.resize(checked_product(capacity_, columns, kWidth));
  }

  Index capacity() const { return capacity_; }  // panels of one sweep

  // Multiplies all of da by `columns` columns; gather(r, to) copies those of row r,
  // from the first to the last.
  template <class Gather>
  void run(Index rows, const VectorRows<T>& da, Index columns, const Gather& gather,
           Interruption& interruption = Interruption::never()) {
    start(rows, da, columns, false);
    multiply_rows(gather, interruption);
  }
  // The same from sums that are not zero: read(v) calls read_rows() as write_rows() will be called.
  template <class Gather, class Read>
  void run_from(Index rows, const VectorRows<T>& da, Index columns, const Gather& gather,
                const Read& read, Interruption& interruption = Interruption::never()) {
    start(rows, da, columns, true);
    for (Index v = 0; v < da.vectors; ++v) read(v);
    multiply_rows(gather, interruption);
  }

  // The sums that vector `v` starts from.
  void read_rows(Index v, Index valid, Range columns, const T* from) {
    if (few_rows_) return;  // write_rows() reads them
    const Index stride = panel_width(v - v % kMaxVectors);
    T* to = out_.data() + (v - v % kMaxVectors) * V::kSize * columns_ + columns.begin * stride;
    to += v % kMaxVectors * V::kSize;
    Index c = 0;
    if (valid == V::kSize) {
      for (; c + V::kSize <= columns.size(); c += V::kSize) {
        transpose_block(from + c, columns.size(), to + c * stride, stride);
      }
    }
    for (Index row = 0; row < valid; ++row) {
      for (Index k = c; k < columns.size(); ++k) {
        to[k * stride + row] = from[row * columns.size() + k];
      }
    }
  }

  // Vector `v` of the last sweep, of which `valid` elements exist: a row of columns.size() each.
  void write_rows(Index v, Index valid, Range columns, T* to) const {
    if (!few_rows_) return copy_rows(v, valid, columns, to);
    const T* da = da_.data + v * V::kSize;
    if (columns.size() == 1) return write_column(da, valid, columns.begin, to);
    const OperandRows<T> elements(da, 1);
    const Index width = columns.size(), whole = width / V::kSize * V::kSize;
    for (Index c = 0; c < whole; c += kWidth) {
      multiply_panel<T>(rows_, valid, elements, da_.stride,
                        operand_panel(columns.begin + c, (whole - c) / V::kSize),
                        {from_sums_ ? to + c : zeros<T>(), from_sums_ ? width : 0, to + c, width});
    }
    if (whole == width) return;
    alignas(kCacheLine) T last[V::kSize * V::kSize];
    for (Index e = 0; from_sums_ && e < valid; ++e) {
      V::load_partial(to + e * width + whole, width - whole).store(last + e * V::kSize);
    }
    multiply_panel<T>(rows_, valid, elements, da_.stride, operand_panel(columns.begin + whole, 1),
                      {from_sums_ ? last : zeros<T>(), from_sums_ ? V::kSize : 0, last, V::kSize});
    for (Index e = 0; e < valid; ++e) {
      std::copy_n(last + e * V::kSize, width - whole, to + e * width + whole);
    }
  }

 private:
  void start(Index rows, const VectorRows<T>& da, Index columns, bool from_sums) {
    da_ = da;
    rows_ = rows;
    columns_ = columns;
    from_sums_ = from_sums;
    if (!few_rows_) std::fill_n(out_.data(), da.vectors * V::kSize * columns, T(0));
  }

  template <class Gather>
  void multiply_rows(const Gather& gather, Interruption& interruption) {
    if (few_rows_) {
      for (Index r = 0; r < rows_; ++r) gather(r, operand_.data() + r * operand_stride_);
      return;
    }
    for (Index begin = 0; begin < rows_; begin += block_rows_) {
      if (interruption.raised()) return;
      const Index count = std::min(block_rows_, rows_ - begin);
      interruption.poll(count * columns_ * da_.vectors * V::kSize);
      for (Index r = 0; r < count; ++r) {
        gather(begin + r, operand_.data() + r * operand_stride_);
      }
      const T* const block = da_.data + begin * da_.stride;
      for (Index c = 0; c < columns_; c += kBlockColumns) {
        for (Index v = 0; v < da_.vectors; v += kMaxVectors) {
          multiply(count, block + v * V::kSize, da_.stride, v,
                   {c, std::min(columns_, c + kBlockColumns)});
        }
      }
    }
  }

  Panel<T> operand_panel(Index column, Index vectors) const {
    return {operand_.data() + column, operand_stride_,
            static_cast<int>(std::min<Index>(kMaxVectors, vectors))};
  }

  // One column, such as a bias: the elements of the vector lie together.
  void write_column(const T* da, Index valid, Index column, T* to) const {
    V sum = from_sums_ ? V::load_partial(to, valid) : V(T(0));
    for (Index r = 0; r < rows_; ++r) {
      const V x(operand_.data()[r * operand_stride_ + column]);
      sum = multiply_add(x, V::load(da + r * da_.stride), sum);
    }
    sum.store_partial(to, valid);
  }

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

  // Measured: what a block of columns needs of all panels of a sweep stays in the L2 cache.
  static constexpr Index kBlockRows = 256, kBlockColumns = 120, kSweepPanels = 8;
  static constexpr Index kFewRows = 64;
  static constexpr Index kPad = 16;  // rows a power of two apart would share few sets of a cache
  static constexpr Index kWidth = kMaxVectors * V::kSize;

  // Of the panel that starts at vector `v`.
  Index panel_width(Index v) const {
    return std::min<Index>(kMaxVectors, da_.vectors - v) * V::kSize;
  }
  const T* panel_out(Index v) const { return out_.data() + v * V::kSize * columns_; }

  void multiply(Index rows, const T* da, Index stride, Index v, Range columns) {
    const Index width = panel_width(v);
    T* to = out_.data() + v * V::kSize * columns_ + columns.begin * width;
    multiply_panel<T>(rows, columns.size(), {operand_.data() + columns.begin, 1}, operand_stride_,
                      {da, stride, static_cast<int>(width / V::kSize)}, {to, width, to, width});
  }

  bool few_rows_ = false;
  bool from_sums_ = false;  // of the last sweep
  Index block_rows_ = 0, capacity_ = 0, operand_stride_ = 0;
  AlignedBuffer<T> operand_, out_;
  VectorRows<T> da_{};  // of the last sweep
  Index rows_ = 0, columns_ = 0;
};

}  // namespace tidegate
