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
#include "gemm/tile.hpp"

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
  explicit WeightMatrix(const MatrixPlan& plan);

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
  void pack(Range groups);

  // Of some groups, how many are best multiplied at once: one when packed; all where they lie,
  // since what a row of the array has for them lies together.
  Index at_once(Range groups) const { return packed_ ? 1 : groups.size(); }
  // f(those that are multiplied at once), through all groups or from the last to the first.
  template <class F>
  [[gnu::always_inline]] void for_groups(Range all, bool from_end, const F& f) const {
    const Index count = packed_ ? all.size() : std::min<Index>(1, all.size());
    for (Index k = 0; k < count; ++k) {  // one call of f: most are inlined
      const Index group = all.at(k, from_end);
      f(packed_ ? Range{group, group + 1} : all);
    }
  }

  // out[row][vector of the groups] = init + sum_k operand[row][k] * element(k, vector)
  void multiply(Range groups, Index rows, const OperandRows<T>& operand,
                const TileOutput<T>& to) const {
    const Range panels = panels_of(groups);
    if (packed_ && panels.size() == 1) {  // a step of one row is little more than the calls
      const Index stride = panels_[at(panels.begin)].vectors * kLanes;
      return multiply_panel<T>(
          k_size_, rows, operand, 1,
          {panel_data(panels.begin), stride, panels_[at(panels.begin)].vectors}, to);
    }
    product(panels, {0, k_size_}, rows, operand, to);
  }
  // The same summed over some pieces of k, from the first of which rows begin.
  void multiply_pieces(Range groups, Range pieces, Index rows, const OperandRows<T>& operand,
                       const TileOutput<T>& to) const {
    product(panels_of(groups), {pieces.begin * padded_, pieces.end * padded_}, rows, operand, to);
  }
  // The same for some vectors of a group of rows; the rest of `to` stays.
  void multiply_vectors(Index group, Range vectors, Index rows, const OperandRows<T>& operand,
                        const TileOutput<T>& to) const;
  // One row of which each vector of a group has an operand of its own, operand[vector]. For packed
  // matrices, and for few rows, which leave a tile of one vector too few chains.
  void multiply_apart(Index group, const OperandRows<T>& operand, const TileOutput<T>& to) const;

 private:
  static constexpr Index kLanes = Lane<T>::kSize;

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
  bool lanes_are_ready(const std::vector<MatrixPlan::Vector>& group, Range vectors) const;

  void product(Range panels, Range ks, Index rows, const OperandRows<T>& operand,
               const TileOutput<T>& to) const;
  void product_turned(Range vectors, Range ks, Index rows, const OperandRows<T>& operand,
                      const TileOutput<T>& to) const;
  void product_straight(Range panels, Range ks, Index rows, const OperandRows<T>& operand,
                        const TileOutput<T>& to) const;
  template <class F>
  void for_blocks(Range panels, Range ks, Index most, const F& f) const;

  Panel<T> block(const PanelPlace& panel, Index piece, Range ks, T* scratch) const;
  const T* source(Index vector, Index piece, Index k) const {
    return pieces_[at(piece)] + vectors_[at(vector)].offset + (turned_ ? k : k * stride_);
  }
  void copy_block(const PanelPlace& panel, Index piece, Range ks, T* to) const;
  void copy_vector(const T* from, Index valid, Index count, T* to, Index step) const;

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
