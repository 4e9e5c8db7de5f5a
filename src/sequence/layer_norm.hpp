// Layer normalisation (Ba, Kiros & Hinton 2016) in the form of haste: over all units of one row,
//
//   a = LN(W x; γ_x) + LN(R h_prev; γ_h) + b      W x and R h_prev over all gates together
//   h = o∘tanh(LN(c; γ_c) + β_c)                  of an LSTM; the c that is carried on stays raw
//   LN(a; γ) = γ∘â     â = (a - mean) * scale     scale = 1 / √(var + ε)
//
// Threads that share rows finish the sums of their own groups of units; after a barrier each adds
// up those of all groups in the same order, so every division gives the same bits. Backward:
// docs/equations/layer_norm.md.
#pragma once

#include <cmath>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "sequence/layout.hpp"

namespace tidegate {

template <class T>
constexpr T kNormEpsilon = T(1e-5);

// Gains, and the biases that are added after them: [slot][padded], and [padded] of c. Padding is 0.
template <class T>
struct NormWeights {
  AlignedBuffer<T> gamma_ih, gamma_hh, bias, gamma_c, beta_c;
};

// What makes â of a.
template <class T>
struct Moments {
  T mean, scale;

  Lane<T> hat(const Lane<T>& a, Index valid) const {
    const Lane<T> hat = (a - Lane<T>(mean)) * Lane<T>(scale);
    return valid < Lane<T>::kSize ? hat.first(valid) : hat;
  }
};

// Mean and variance of rows, from the spread of each group of their units.
template <class T>
class RowSpreads {
  using V = Lane<T>;

 public:
  // `slots` vectors of units of each row belong together.
  RowSpreads(const UnitLayout<T>& layout, Index rows, Index slots)
      : layout_(layout),
        slots_(slots),
        spreads_(static_cast<std::size_t>(checked_product(rows, layout.groups))) {}

  // A group of a row: slot s begins at values + s * slot_stride.
  void put(Index row, Index group, const T* values, Index slot_stride) {
    const Range blocks = layout_.blocks_of(group);
    const auto for_vectors = [&](const auto& f) {
      for (Index slot = 0; slot < slots_; ++slot) {
        const T* from = values + slot * slot_stride;
        for (Index block = blocks.begin; block < blocks.end; ++block, from += V::kSize) {
          f(V::load(from), layout_.valid(block));
        }
      }
    };
    V sum(T(0)), squares(T(0));
    for_vectors(
        [&](const V& a, Index valid) { sum = sum + (valid < V::kSize ? a.first(valid) : a); });
    const T total = sum_of(sum);
    const V mean(total / count(group));
    for_vectors([&](const V& a, Index valid) {
      const V deviation = valid < V::kSize ? (a - mean).first(valid) : a - mean;
      squares = multiply_add(deviation, deviation, squares);
    });
    spreads_[at(row, group)] = {total, sum_of(squares)};
  }

  // Of all groups of a row.
  Moments<T> moments(Index row) const {
    const T all = static_cast<T>(slots_ * layout_.units);
    T total(0), squares(0);
    for (Index g = 0; g < layout_.groups; ++g) total += spreads_[at(row, g)].sum;
    const T mean = total / all;
    for (Index g = 0; g < layout_.groups; ++g) {
      const Spread& of = spreads_[at(row, g)];
      const T away = of.sum / count(g) - mean;
      squares += of.squares + count(g) * away * away;
    }
    if (all == 1) return {mean, T(0)};  // always 0, and exactly so its gradient
    return {mean, 1 / std::sqrt(squares / all + kNormEpsilon<T>)};
  }

 private:
  struct Spread {
    T sum, squares;  // of the deviations from the group's own mean
  };

  T count(Index group) const {
    return static_cast<T>(slots_ * layout_.units_of({group, group + 1}).size());
  }
  std::size_t at(Index row, Index group) const {
    return static_cast<std::size_t>(row * layout_.groups + group);
  }

  const UnitLayout<T>& layout_;
  const Index slots_;
  std::vector<Spread> spreads_;  // [row][group]
};

// What LN sends back: da = scale * (dâ - mean(dâ) - â∘mean(dâ∘â)), where dâ = γ∘(gradient by γ∘â).
template <class T>
struct BackMeans {
  T dhat, along;  // of dâ and of dâ∘â

  Lane<T> da(const Lane<T>& dhat_of_units, const Lane<T>& hat, T scale, Index valid) const {
    const Lane<T> rest = dhat_of_units - Lane<T>(dhat) - hat * Lane<T>(along);
    const Lane<T> da = Lane<T>(scale) * rest;
    return valid < Lane<T>::kSize ? da.first(valid) : da;
  }
};

// The sums that BackMeans needs: vectors of units in, one after the other.
template <class T>
struct BackSums {
  Lane<T> dhat{T(0)}, along{T(0)};

  void add(const Lane<T>& dhat_of_units, const Lane<T>& hat) {
    dhat = dhat + dhat_of_units;
    along = multiply_add(dhat_of_units, hat, along);
  }
};

// Those of rows, from the sums of each group of their units.
template <class T>
class RowBackSums {
 public:
  RowBackSums(const UnitLayout<T>& layout, Index rows, Index slots)
      : groups_(layout.groups),
        all_(static_cast<T>(slots * layout.units)),
        sums_(static_cast<std::size_t>(checked_product(rows, layout.groups))) {}

  void put(Index row, Index group, const BackSums<T>& sums) {
    sums_[static_cast<std::size_t>(row * groups_ + group)] = {sum_of(sums.dhat),
                                                              sum_of(sums.along)};
  }
  BackMeans<T> means(Index row) const {
    BackMeans<T> means{T(0), T(0)};
    for (Index g = 0; g < groups_; ++g) {
      const BackMeans<T>& of = sums_[static_cast<std::size_t>(row * groups_ + g)];
      means.dhat += of.dhat;
      means.along += of.along;
    }
    return {means.dhat / all_, means.along / all_};
  }

 private:
  const Index groups_;
  const T all_;
  std::vector<BackMeans<T>> sums_;  // [row][group], sums
};

// What a pass without layer normalisation has in its place.
struct NoNorm {
  template <class... Arguments>
  explicit NoNorm(const Arguments&... /*unused*/) {}
};

}  // namespace tidegate
