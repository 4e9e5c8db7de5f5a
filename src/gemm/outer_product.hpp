// Weight gradients: out = sum over rows r of da[r]^T operand[r], a product over K = T*B.
//
//        operand block [kc][columns]            One panel of outputs (kMaxVectors vectors of da) is
//   da   +----------------------+               finished at a time: blocks of kc rows of da and of
//   the
//  block |  out[column][vector] |               operand are gathered side by side (any strides, no
//  [kc]  +----------------------+               transposed copy of a whole array), then the micro-
//                                               kernel accumulates. The sum of da comes along.
// Every element is one chain over r in order, whatever the blocks and threads.
#pragma once

#include <algorithm>

#include "base/aligned_buffer.hpp"
#include "gemm/tile.hpp"
#include "math/transpose.hpp"

namespace tidegate {

// Scratch of one thread for products with up to `columns` columns.
template <class T>
class OuterProduct {
 public:
  static constexpr Index kWidth = kMaxVectors * Lane<T>::kSize;

  explicit OuterProduct(Index columns)
      : block_rows_(std::clamp<Index>(kBlockElements / std::max<Index>(1, columns), 32, 256)),
        operand_stride_(round_up(columns, 16) |
                        16),  // odd in lines: rows spread over the cache's sets
        operand_(block_rows_ * operand_stride_),
        da_(block_rows_ * kWidth),
        out_(std::max<Index>(1, columns) * kWidth),
        sum_(kWidth) {}

  // da_row(r) is the address of `vectors` vectors, operand_row(r) that of `columns` elements.
  template <class DaRow, class OperandRow>
  void run(Index rows, const DaRow& da_row, int vectors, const OperandRow& operand_row,
           Index columns) {
    using V = Lane<T>;
    const Index width = vectors * V::kSize;
    std::fill_n(out_.data(), columns * width, T(0));
    V sum[kMaxVectors];
    for (V& s : sum) s = V(T(0));
    for (Index begin = 0; begin < rows; begin += block_rows_) {
      const Index count = std::min(block_rows_, rows - begin);
      for (Index k = 0; k < count; ++k) {
        const T* da = da_row(begin + k);
        T* to = da_.data() + k * width;
        for (int v = 0; v < vectors; ++v) {
          const V value = V::load(da + v * V::kSize);
          value.store(to + v * V::kSize);
          sum[v] = sum[v] + value;
        }
        std::copy_n(operand_row(begin + k), columns, operand_.data() + k * operand_stride_);
      }
      const auto column = [&](Index c) { return operand_.data() + c; };
      multiply_panel<T>(count, columns, column, operand_stride_, da_.data(), vectors,
                        {out_.data(), width, out_.data(), width});
    }
    for (int v = 0; v < vectors; ++v) sum[v].store(sum_.data() + v * V::kSize);
    width_ = width;
  }

  // Results of the last run for vector `v` of the panel: `valid` rows of the gradient, and sums of
  // da.
  void copy_rows(int v, Index valid, Index columns, T* to) const {
    using V = Lane<T>;
    const T* from = out_.data() + v * V::kSize;
    Index c = 0;
    if (valid == V::kSize) {
      for (; c + V::kSize <= columns; c += V::kSize) {
        transpose_block(from + c * width_, width_, to + c, columns);
      }
    }
    for (Index row = 0; row < valid; ++row) {
      for (Index k = c; k < columns; ++k) to[row * columns + k] = from[k * width_ + row];
    }
  }
  void copy_sums(int v, Index valid, T* to) const {
    std::copy_n(sum_.data() + v * Lane<T>::kSize, valid, to);
  }

 private:
  static constexpr Index kBlockElements = 64 * 1024;

  Index block_rows_, operand_stride_;
  AlignedBuffer<T> operand_, da_, out_, sum_;
  Index width_ = 0;
};

}  // namespace tidegate
