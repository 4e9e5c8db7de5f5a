#include "gemm/weight_matrix.hpp"

#include "gemm/turned.hpp"
#include "math/transpose.hpp"

namespace tidegate {
namespace {

constexpr Index kPackedRows = 32;  // rows of the array that are copied together
constexpr Index kFewRows = 16;     // multiplied together: as many as memory streams well

// Where a vector's results go; `vector` counts from the first.
template <class T>
TileOutput<T> shifted(const TileOutput<T>& to, Index vector) {
  const Index shift = vector * Lane<T>::kSize;
  return {to.init + shift, to.init_stride, to.out + shift, to.out_stride};
}

}  // namespace

template <class T>
WeightMatrix<T>::WeightMatrix(const MatrixPlan& plan)
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
      panels_.push_back({static_cast<Index>(vectors_.size()) + r.begin, static_cast<int>(r.size()),
                         lanes_are_ready(group, r)});
    }
    vectors_.insert(vectors_.end(), group.begin(), group.end());
  }
  first_panel_.push_back(static_cast<Index>(panels_.size()));
  panels_.push_back({static_cast<Index>(vectors_.size()), 0, false});  // where the last one ends
  bytes_ = checked_product(offset(vectors_.size()), sizeof(T));
}

template <class T>
void WeightMatrix<T>::pack(Range groups) {
  const auto copy = [&](Index p, Index k, Index piece, Range ks) {
    copy_block(panels_[at(p)], piece, ks, panel_data(p) + k * panels_[at(p)].vectors * kLanes);
  };
  for_blocks(panels_of(groups), {0, k_size_}, turned_ ? k_size_ : kPackedRows, copy);
}

template <class T>
void WeightMatrix<T>::multiply_vectors(Index group, Range vectors, Index rows,
                                       const OperandRows<T>& operand,
                                       const TileOutput<T>& to) const {
  const Range panels = panels_of({group, group + 1});
  const Index first = panels_[at(panels.begin)].vector;
  const Range of_all{first + vectors.begin, first + vectors.end};
  if (!packed_)
    return product_turned(of_all, {0, k_size_}, rows, operand, shifted(to, vectors.begin));
  for (Index p = panels.begin; p < panels.end; ++p) {
    const PanelPlace& panel = panels_[at(p)];
    const Index begin = std::max(of_all.begin, panel.vector);
    const Index end = std::min(of_all.end, panel.vector + panel.vectors);
    if (begin >= end) continue;
    const T* data = panel_data(p) + (begin - panel.vector) * kLanes;
    multiply_panel<T>(k_size_, rows, operand, 1,
                      {data, panel.vectors * kLanes, static_cast<int>(end - begin)},
                      shifted(to, begin - first));
  }
}

template <class T>
void WeightMatrix<T>::multiply_apart(Index group, const OperandRows<T>& operand,
                                     const TileOutput<T>& to) const {
  const Range panels = panels_of({group, group + 1});
  for (Index p = panels.begin; p < panels.end; ++p) {
    const PanelPlace& panel = panels_[at(p)];
    const Index first = panel.vector - panels_[at(panels.begin)].vector;
    const T* addresses[kMaxVectors];
    operand.locate({first, first + panel.vectors}, addresses);
    apart_kernel_for<T>(panel.vectors)(k_size_, addresses, panel_data(p), shifted(to, first));
  }
}

template <class T>
bool WeightMatrix<T>::lanes_are_ready(const std::vector<MatrixPlan::Vector>& group,
                                      Range vectors) const {
  bool ready = !turned_;
  for (Index v = vectors.begin; v < vectors.end; ++v) {
    ready = ready && group[at(v)].valid == kLanes &&
            group[at(v)].offset == group[at(vectors.begin)].offset + (v - vectors.begin) * kLanes;
  }
  return ready;
}

template <class T>
void WeightMatrix<T>::product(Range panels, Range ks, Index rows, const OperandRows<T>& operand,
                              const TileOutput<T>& to) const {
  const Index first = panels_[at(panels.begin)].vector;
  if (!packed_) {
    if (!turned_ && ks.size() > 0) return product_straight(panels, ks, rows, operand, to);
    return product_turned({first, panels_[at(panels.end)].vector}, ks, rows, operand, to);
  }
  for (Index p = panels.begin; p < panels.end; ++p) {
    const PanelPlace& panel = panels_[at(p)];
    const Index stride = panel.vectors * kLanes;
    multiply_panel<T>(ks.size(), rows, operand, 1,
                      {panel_data(p) + ks.begin * stride, stride, panel.vectors},
                      shifted(to, panel.vector - first));
  }
}

template <class T>
void WeightMatrix<T>::product_turned(Range vectors, Range ks, Index rows,
                                     const OperandRows<T>& operand, const TileOutput<T>& to) const {
  for (Index v = vectors.begin; v < vectors.end; ++v) {
    multiply_turned<T>(ks.size(), rows, operand,
                       {source(v, 0, ks.begin), stride_, vectors_[at(v)].valid},
                       shifted(to, v - vectors.begin));
  }
}

template <class T>
void WeightMatrix<T>::product_straight(Range panels, Range ks, Index rows,
                                       const OperandRows<T>& operand,
                                       const TileOutput<T>& to) const {
  const Index first = panels_[at(panels.begin)].vector;
  const TileOutput<T> more{to.out, to.out_stride, to.out, to.out_stride};
  alignas(kCacheLine) T scratch[kFewRows * kMaxVectors * kLanes];
  for_blocks(panels, ks, kFewRows, [&](Index p, Index k, Index piece, Range of_piece) {
    const PanelPlace& panel = panels_[at(p)];
    multiply_panel<T>(of_piece.size(), rows, operand.from(k - ks.begin), 1,
                      block(panel, piece, of_piece, scratch),
                      shifted(k == ks.begin ? to : more, panel.vector - first));
  });
}

// f(panel, k, piece, range of k within the piece), in the order of k for each panel. What lies
// along the lanes is read a few rows at a time for all panels, because the next row may be a page
// away; else a panel after the other.
template <class T>
template <class F>
void WeightMatrix<T>::for_blocks(Range panels, Range ks, Index most, const F& f) const {
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

template <class T>
Panel<T> WeightMatrix<T>::block(const PanelPlace& panel, Index piece, Range ks, T* scratch) const {
  if (ks.begin >= size_) return {zeros<T>(), 0, panel.vectors};
  if (panel.ready) return {source(panel.vector, piece, ks.begin), stride_, panel.vectors};
  copy_block(panel, piece, ks, scratch);
  return {scratch, panel.vectors * kLanes, panel.vectors};
}

// Copies a panel's vectors for ks, which exist or are all padding, to [k][vector][lanes].
template <class T>
void WeightMatrix<T>::copy_block(const PanelPlace& panel, Index piece, Range ks, T* to) const {
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

template <class T>
void WeightMatrix<T>::copy_vector(const T* from, Index valid, Index count, T* to,
                                  Index step) const {
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

template class WeightMatrix<float>;
template class WeightMatrix<double>;

}  // namespace tidegate
