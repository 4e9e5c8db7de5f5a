// A weight matrix packed into panels for the micro-kernel.
//
// The outputs form groups of vectors; what belongs together at the end of a product (all gates of
// some hidden units) is one group. A group is cut into panels of at most kMaxVectors vectors, each
//   [K][vectors][lanes]
// contiguous, so that a product streams through memory. Outputs beyond the matrix are zero.
#pragma once

#include <algorithm>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "gemm/tile.hpp"
#include "math/transpose.hpp"

namespace tidegate {

template <class T>
class PackedMatrix {
 public:
  // group_vectors[g] is the number of vectors of group g.
  PackedMatrix(Index k_size, const std::vector<int>& group_vectors) : k_size_(k_size) {
    Index offset = 0;
    for (const int vectors : group_vectors) {
      first_panel_.push_back(static_cast<Index>(panels_.size()));
      const Index pieces = ceil_div(vectors, kMaxVectors);
      for (Index p = 0; p < pieces; ++p) {
        const Range r = even_slice(vectors, pieces, p);
        panels_.push_back({offset, static_cast<int>(r.begin), static_cast<int>(r.size())});
        offset += checked_product(k_size, r.size(), Lane<T>::kSize);
      }
    }
    first_panel_.push_back(static_cast<Index>(panels_.size()));
    buffer_.resize(offset);
  }

  Index k_size() const { return k_size_; }
  Index groups() const { return static_cast<Index>(first_panel_.size()) - 1; }
  Index bytes() const { return buffer_.size() * static_cast<Index>(sizeof(T)); }

  // Fills vector `vector` of group `group` for k in ks:
  //   packed(k, lane) = source[lane*lane_stride + (k - ks.begin)*k_stride], zero for lane >= valid.
  void fill(Index group, int vector, Range ks, const T* source, Index lane_stride, Index k_stride,
            Index valid) {
    const Piece& panel = panel_of(group, vector);
    const Index step = panel.vectors * Lane<T>::kSize;
    T* to = buffer_.data() + panel.offset + (vector - panel.vector) * Lane<T>::kSize;
    to += ks.begin * step;
    Index k = 0;
    if (valid == Lane<T>::kSize && lane_stride == 1) {
      for (; k < ks.size(); ++k) Lane<T>::load(source + k * k_stride).store(to + k * step);
    } else if (valid == Lane<T>::kSize && k_stride == 1) {
      for (; k + Lane<T>::kSize <= ks.size(); k += Lane<T>::kSize) {
        transpose_block(source + k, lane_stride, to + k * step, step);
      }
    }
    for (; k < ks.size(); ++k) {
      for (Index lane = 0; lane < Lane<T>::kSize; ++lane) {
        to[k * step + lane] = lane < valid ? source[lane * lane_stride + k * k_stride] : T(0);
      }
    }
  }

  // out[row][vector of the group] = init + sum_k row_of(row)[k] * packed(k)
  template <class RowOf>
  void multiply_group(Index group, Index rows, const RowOf& row_of, const TileOutput<T>& to) const {
    for (Index p = first_panel_[at(group)]; p < first_panel_[at(group + 1)]; ++p) {
      const Piece& panel = panels_[at(p)];
      const Index shift = panel.vector * Lane<T>::kSize;
      multiply_panel<T>(
          k_size_, rows, row_of, 1,
          {buffer_.data() + panel.offset, panel.vectors * Lane<T>::kSize, panel.vectors},
          {to.init + shift, to.init_stride, to.out + shift, to.out_stride});
    }
  }

  // The same for some vectors of the group, summed over some k; the rest of `to` stays.
  template <class RowOf>
  void multiply_part(Index group, Range vectors, Range ks, Index rows, const RowOf& row_of,
                     const TileOutput<T>& to) const {
    for (Index p = first_panel_[at(group)]; p < first_panel_[at(group + 1)]; ++p) {
      const Piece& panel = panels_[at(p)];
      const Index begin = std::max<Index>(vectors.begin, panel.vector);
      const Index end = std::min<Index>(vectors.end, panel.vector + panel.vectors);
      if (begin >= end) continue;
      const Index stride = panel.vectors * Lane<T>::kSize;
      const Index shift = begin * Lane<T>::kSize;
      multiply_panel<T>(ks.size(), rows, row_of, 1,
                        {buffer_.data() + panel.offset + ks.begin * stride +
                             (begin - panel.vector) * Lane<T>::kSize,
                         stride, static_cast<int>(end - begin)},
                        {to.init + shift, to.init_stride, to.out + shift, to.out_stride});
    }
  }

 private:
  static std::size_t at(Index k) { return static_cast<std::size_t>(k); }

  struct Piece {
    Index offset;  // in the buffer
    int vector;    // first vector within its group
    int vectors;
  };

  const Piece& panel_of(Index group, int vector) const {
    Index p = first_panel_[at(group)];
    while (panels_[at(p)].vector + panels_[at(p)].vectors <= vector) ++p;
    return panels_[at(p)];
  }

  Index k_size_;
  std::vector<Piece> panels_;
  std::vector<Index> first_panel_;
  AlignedBuffer<T> buffer_;
};

}  // namespace tidegate
