// A weight matrix as products read it: packed into panels for the micro-kernel, or where it lies.
//
// The outputs form groups of vectors; what belongs together at the end of a product (all gates of
// some hidden units) is one group. A group is cut into panels of at most kMaxVectors vectors, each
//   [K][vectors][lanes]
// contiguous when packed, so that a product streams through memory. Outputs beyond the matrix are
// zero. To pack costs more than a product of few rows: such a product reads the user's array
// itself, turned in registers (gemm/turned.hpp) unless its rows lie along the lanes already. Both
// ways each element is the same chain over k.
#pragma once

#include <algorithm>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "gemm/turned.hpp"
#include "math/transpose.hpp"

namespace tidegate {

// Where a matrix lies. k runs through `pieces` of `padded` values, of which `size` exist: one for
// each gate that a transpose joins. Element (k, lane) of a vector is at
//   pieces[k / padded] + vector.offset + (k % padded) * stride + lane     or, with one piece,
//   pieces[0] + vector.offset + k + lane * stride                         when turned
struct MatrixPlan {
  Index pieces, size, padded;
  bool turned;
  Index stride;

  struct Vector {
    Index offset, valid;  // lanes that exist
  };
  std::vector<std::vector<Vector>> groups;
};

template <class T>
class WeightMatrix {
 public:
  explicit WeightMatrix(const MatrixPlan& plan)
      : pieces_(static_cast<std::size_t>(plan.pieces)),
        size_(plan.size),
        padded_(plan.padded),
        k_size_(checked_product(plan.pieces, plan.padded)),
        turned_(plan.turned),
        stride_(plan.stride) {
    for (const auto& group : plan.groups) {
      first_panel_.push_back(static_cast<Index>(panels_.size()));
      const Index vectors = static_cast<Index>(group.size());
      const Index panels = ceil_div(vectors, kMaxVectors);
      for (Index p = 0; p < panels; ++p) {
        const Range r = even_slice(vectors, panels, p);
        panels_.push_back({static_cast<Index>(vectors_.size()) + r.begin,
                           static_cast<int>(r.size()), lanes_are_ready(group, r)});
      }
      vectors_.insert(vectors_.end(), group.begin(), group.end());
    }
    first_panel_.push_back(static_cast<Index>(panels_.size()));
    panels_.push_back({static_cast<Index>(vectors_.size()), 0, false});  // where the last one ends
    bytes_ = checked_product(offset(vectors_.size()), sizeof(T));
  }

  Index k_size() const { return k_size_; }
  Index groups() const { return static_cast<Index>(first_panel_.size()) - 1; }
  Index bytes() const { return bytes_; }  // when packed
  bool packed() const { return packed_; }

  // The array from now on: where each piece begins. Nothing is packed.
  void read_from(const std::vector<const T*>& pieces) {
    pieces_ = pieces;
    packed_ = false;
  }
  // Makes room; then pack() of all groups, by any threads.
  void start_packing() {
    buffer_.resize(bytes_ / static_cast<Index>(sizeof(T)));
    packed_ = true;
  }
  void pack(Range groups) {
    const auto copy = [&](Index p, Index k, Index piece, Range ks) {
      copy_block(panels_[at(p)], piece, ks, panel_data(p) + k * panels_[at(p)].vectors * kLanes);
    };
    for_blocks(panels_of(groups), {0, k_size_}, turned_ ? k_size_ : kPackedRows, copy);
  }

  // The first of some groups that are best multiplied at once: one when packed; all where they lie,
  // since what a row of the array has for them lies together.
  Range at_once(Range groups) const {
    return packed_ ? Range{groups.begin, std::min(groups.end, groups.begin + 1)} : groups;
  }

  // out[row][vector of the groups] = init + sum_k row_of(row)[k] * element(k, vector)
  template <class RowOf>
  void multiply(Range groups, Index rows, const RowOf& row_of, const TileOutput<T>& to) const {
    product(panels_of(groups), {0, k_size_}, rows, row_of, to);
  }
  // The same summed over some pieces of k, from the first of which rows begin.
  template <class RowOf>
  void multiply_pieces(Range groups, Range pieces, Index rows, const RowOf& row_of,
                       const TileOutput<T>& to) const {
    product(panels_of(groups), {pieces.begin * padded_, pieces.end * padded_}, rows, row_of, to);
  }
  // The same for some vectors of a group of rows; the rest of `to` stays.
  template <class RowOf>
  void multiply_vectors(Index group, Range vectors, Index rows, const RowOf& row_of,
                        const TileOutput<T>& to) const {
    const Range panels = panels_of({group, group + 1});
    const Index first = panels_[at(panels.begin)].vector;
    const Range of_all{first + vectors.begin, first + vectors.end};
    if (!packed_)
      return product_turned(of_all, {0, k_size_}, rows, row_of, shifted(to, vectors.begin));
    for (Index p = panels.begin; p < panels.end; ++p) {
      const PanelPlace& panel = panels_[at(p)];
      const Index begin = std::max(of_all.begin, panel.vector);
      const Index end = std::min(of_all.end, panel.vector + panel.vectors);
      if (begin >= end) continue;
      const T* data = panel_data(p) + (begin - panel.vector) * kLanes;
      multiply_panel<T>(k_size_, rows, row_of, 1,
                        {data, panel.vectors * kLanes, static_cast<int>(end - begin)},
                        shifted(to, begin - first));
    }
  }

 private:
  static constexpr Index kLanes = Lane<T>::kSize;
  static constexpr Index kPackedRows = 32;  // rows of the array that are copied together
  static constexpr Index kFewRows = 16;     // multiplied together: as many as memory streams well

  struct PanelPlace {
    Index vector;  // of all groups
    int vectors;
    bool ready;  // the array has the order of a panel
  };

  static std::size_t at(Index k) { return static_cast<std::size_t>(k); }
  Index offset(std::size_t vector) const {
    return checked_product(k_size_, static_cast<Index>(vector), kLanes);
  }
  Range panels_of(Range groups) const {
    return {first_panel_[at(groups.begin)], first_panel_[at(groups.end)]};
  }
  T* panel_data(Index p) { return buffer_.data() + panels_[at(p)].vector * k_size_ * kLanes; }
  const T* panel_data(Index p) const {
    return buffer_.data() + panels_[at(p)].vector * k_size_ * kLanes;
  }

  bool lanes_are_ready(const std::vector<MatrixPlan::Vector>& group, Range vectors) const {
    bool ready = !turned_;
    for (Index v = vectors.begin; v < vectors.end; ++v) {
      ready = ready && group[at(v)].valid == kLanes &&
              group[at(v)].offset == group[at(vectors.begin)].offset + (v - vectors.begin) * kLanes;
    }
    return ready;
  }

  // Where a vector's results go; `vector` counts from the first.
  static TileOutput<T> shifted(const TileOutput<T>& to, Index vector) {
    const Index shift = vector * kLanes;
    return {to.init + shift, to.init_stride, to.out + shift, to.out_stride};
  }

  template <class RowOf>
  void product(Range panels, Range ks, Index rows, const RowOf& row_of,
               const TileOutput<T>& to) const {
    const Index first = panels_[at(panels.begin)].vector;
    if (!packed_) {
      if (!turned_ && ks.size() > 0) return product_straight(panels, ks, rows, row_of, to);
      return product_turned({first, panels_[at(panels.end)].vector}, ks, rows, row_of, to);
    }
    for (Index p = panels.begin; p < panels.end; ++p) {
      const PanelPlace& panel = panels_[at(p)];
      const Index stride = panel.vectors * kLanes;
      multiply_panel<T>(ks.size(), rows, row_of, 1,
                        {panel_data(p) + ks.begin * stride, stride, panel.vectors},
                        shifted(to, panel.vector - first));
    }
  }

  template <class RowOf>
  void product_turned(Range vectors, Range ks, Index rows, const RowOf& row_of,
                      const TileOutput<T>& to) const {
    for (Index v = vectors.begin; v < vectors.end; ++v) {
      multiply_turned<T>(ks.size(), rows, row_of,
                         {source(v, 0, ks.begin), stride_, vectors_[at(v)].valid},
                         shifted(to, v - vectors.begin));
    }
  }

  template <class RowOf>
  void product_straight(Range panels, Range ks, Index rows, const RowOf& row_of,
                        const TileOutput<T>& to) const {
    const Index first = panels_[at(panels.begin)].vector;
    const TileOutput<T> more{to.out, to.out_stride, to.out, to.out_stride};
    alignas(kCacheLine) T scratch[kFewRows * kMaxVectors * kLanes];
    for_blocks(panels, ks, kFewRows, [&](Index p, Index k, Index piece, Range of_piece) {
      const PanelPlace& panel = panels_[at(p)];
      const auto rows_from_k = [&](Index r) { return row_of(r) + (k - ks.begin); };
      multiply_panel<T>(of_piece.size(), rows, rows_from_k, 1,
                        block(panel, piece, of_piece, scratch),
                        shifted(k == ks.begin ? to : more, panel.vector - first));
    });
  }

  // f(panel, k, piece, range of k within the piece), in the order of k for each panel. What lies
  // along the lanes is read a few rows at a time for all panels, because the next row may be a page
  // away; else a panel after the other.
  template <class F>
  void for_blocks(Range panels, Range ks, Index most, const F& f) const {
    const Index together = turned_ ? 1 : std::max<Index>(1, panels.size());
    for (Index first = panels.begin; first < panels.end; first += together) {
      for (Index k = ks.begin; k < ks.end;) {
        const Index piece = k / padded_, begin = k % padded_;
        const Index count = std::min(most, (begin < size_ ? size_ : padded_) - begin);
        for (Index p = first; p < first + together; ++p) f(p, k, piece, {begin, begin + count});
        k += count;
      }
    }
  }

  Panel<T> block(const PanelPlace& panel, Index piece, Range ks, T* scratch) const {
    if (ks.begin >= size_) return {zeros<T>(), 0, panel.vectors};
    if (panel.ready) return {source(panel.vector, piece, ks.begin), stride_, panel.vectors};
    copy_block(panel, piece, ks, scratch);
    return {scratch, panel.vectors * kLanes, panel.vectors};
  }

  const T* source(Index vector, Index piece, Index k) const {
    return pieces_[at(piece)] + vectors_[at(vector)].offset + (turned_ ? k : k * stride_);
  }

  // Copies a panel's vectors for ks, which exist or are all padding, to [k][vector][lanes].
  void copy_block(const PanelPlace& panel, Index piece, Range ks, T* to) const {
    const Index step = panel.vectors * kLanes;
    if (ks.begin >= size_) {
      std::fill_n(to, ks.size() * step, T(0));
      return;
    }
    for (Index v = 0; v < panel.vectors; ++v) {
      copy_vector(source(panel.vector + v, piece, ks.begin), vectors_[at(panel.vector + v)].valid,
                  ks.size(), to + v * kLanes, step);
    }
  }

  void copy_vector(const T* from, Index valid, Index count, T* to, Index step) const {
    const Index k_stride = turned_ ? 1 : stride_, lane_stride = turned_ ? stride_ : 1;
    Index k = 0;
    if (valid == kLanes && !turned_) {
      for (; k < count; ++k) Lane<T>::load(from + k * stride_).store(to + k * step);
    } else if (valid == kLanes) {
      for (; k + kLanes <= count; k += kLanes) {
        transpose_block(from + k, stride_, to + k * step, step);
      }
    }
    for (; k < count; ++k) {
      for (Index lane = 0; lane < kLanes; ++lane) {
        to[k * step + lane] = lane < valid ? from[lane * lane_stride + k * k_stride] : T(0);
      }
    }
  }

  std::vector<const T*> pieces_;
  Index size_, padded_, k_size_;
  bool turned_;
  Index stride_;
  std::vector<MatrixPlan::Vector> vectors_;  // of all groups
  std::vector<PanelPlace> panels_;
  std::vector<Index> first_panel_;
  Index bytes_ = 0;
  bool packed_ = false;
  AlignedBuffer<T> buffer_;
};

}  // namespace tidegate
