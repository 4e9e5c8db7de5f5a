// Layer normalisation in the time loop backward: the gradients by W x and R h_prev from those by
// the gates, through LN, and the gradients by gains.
#pragma once

#include "cells/normalized.hpp"
#include "sequence/backward.hpp"
#include "sequence/layer_norm.hpp"
#include "sequence/part.hpp"

namespace tidegate {

template <class T, class Cell>
class BackwardNorm {
  using V = Lane<T>;
  static constexpr Term kTerm = Cell::kTerms[0];

 public:
  BackwardNorm(const PackedWeights<T>& weights, Saved<T>& saved, const WeightGradients<T>& out,
               bool accumulate)
      : w_(weights),
        saved_(saved),
        out_(out),
        recurrent_(weights.hidden_layout, saved.rows.batch, kTerm.slots),
        cells_(weights.hidden_layout, Cell::kStates == 2 ? saved.rows.batch : 0, 1),
        gains_(checked_product(2 * Cell::kSlots + 2, weights.layout.padded)) {
    gains_.zero();
    if (accumulate) {
      for_gains([&](T* sum, Index gate, const T* from) {
        if (from == nullptr) return;
        std::copy_n(from + gate * w_.hidden_size, w_.hidden_size, sum);
      });
    }
    if (Cell::kStates == 2) squashed_.hold_last(saved.rows.batch, weights.layout.padded);
  }

  // h = o∘q, q = tanh(n), n = LN(c; γ_c) + β_c

  // From the cell's dh of a lane of units: q, and dn in the place of m.
  void unsquash(const Cell& cell, const V& dh, Index t, Index b, Index unit, Index valid) {
    const V n = multiply_add(V::load(w_.norm.gamma_c.data() + unit), c_hat(t, b, unit, valid),
                             V::load(w_.norm.beta_c.data() + unit));
    const V q = cell.act.output.value(n);
    const V o = V::load(saved_.gate_row(t, b) + Cell::kO * w_.layout.padded + unit);
    const V dn = dh * o * cell.act.output.slope(q);
    q.store(squashed_.at(0, b) + unit);
    dn.first(valid).store(saved_.m(t, b) + unit);
  }
  void sum_c(Range rows, Range groups, Index t) {
    for_rows_and_groups(rows, groups, [&](Index b, Index group, Range blocks) {
      BackSums<T> sums;
      for (Index block = blocks.begin; block < blocks.end; ++block) {
        const Index unit = block * V::kSize;
        sums.add(dn_hat(t, b, unit), c_hat(t, b, unit, w_.layout.valid(block)));
      }
      cells_.put(b, group, sums);
    });
  }
  // When all sums are there: what c gets through n.
  BackMeans<T> c_row(Index b) const { return cells_.means(b); }
  V dc(const BackMeans<T>& means, Index t, Index b, Index unit, Index valid) const {
    return means.da(dn_hat(t, b, unit), c_hat(t, b, unit, valid), saved_.moments(t, b)[2].scale,
                    valid);
  }
  V squashed(Index b, Index unit) const { return V::load(squashed_.at(0, b) + unit); }

  // a = LN(W x; γ_x) + LN(R h_prev; γ_h) + b

  // From da of some groups, which has just been written.
  void sum_products(Range rows, Range groups, Index t) {
    for_rows_and_groups(rows, groups, [&](Index b, Index group, Range blocks) {
      BackSums<T> sums;
      for_recurrent(blocks, [&](Index at, Index) {
        sums.add(recurrent_dhat(t, b, at), V::load(saved_.hat_hh(t, b) + at));
      });
      recurrent_.put(b, group, sums);
    });
  }
  // When all sums are there: the gradient by R h_prev.
  void finish_products(const Part& part, Index t) {
    const Range rows = saved_.rows.active(part.rows, t);
    const Range blocks = w_.hidden_layout.blocks_of(part.groups);
    for (Index b = rows.begin; b < rows.end; ++b) {
      const BackMeans<T> means = recurrent_.means(b);
      const T scale = saved_.moments(t, b)[1].scale;
      T* const to = saved_.gate_row(t, b) + saved_.dproduct_hh();
      for_recurrent(blocks, [&](Index at, Index valid) {
        means.da(recurrent_dhat(t, b, at), V::load(saved_.hat_hh(t, b) + at), scale, valid)
            .store(to + at);
      });
    }
  }

  // After the steps of some rows: the gradient by their W x, in the place of its â.
  void finish_inputs(Range rows) {
    for (Index row = rows.begin; row < rows.end; ++row) {
      const auto [t, b] = saved_.rows.at(row);
      const T* const da = saved_.gate_row(row);
      T* const hats = saved_.hat_ih(t, b);
      const auto dhat = [&](Index at) {
        return V::load(w_.norm.gamma_ih.data() + at) * V::load(da + at);
      };
      BackSums<T> sums;
      for_inputs([&](Index at, Index) { sums.add(dhat(at), V::load(hats + at)); });
      const T all = static_cast<T>(Cell::kInputSlots * w_.hidden_size);
      const BackMeans<T> means{sum_of(sums.dhat) / all, sum_of(sums.along) / all};
      const T scale = saved_.moments(t, b)[0].scale;
      for_inputs([&](Index at, Index valid) {
        means.da(dhat(at), V::load(hats + at), scale, valid).store(hats + at);
      });
    }
  }

  // Gains: sums over the rows, last one first, on top of what accumulates.

  // Before finish_inputs(), which overwrites what this reads; ranges of rows go down.
  void sum_gains(Range rows, Range blocks) {
    for (Index end = rows.end; end > rows.begin; end -= std::min(end - rows.begin, kRows)) {
      const Range some{std::max(rows.begin, end - kRows), end};
      for (Index block = blocks.begin; block < blocks.end; ++block) sum_gains_of(some, block);
    }
  }
  // When all rows are through.
  void write_gains(Range blocks) {
    for_gains([&](const T* sum, Index gate, T* to) {
      if (to == nullptr) return;
      for (Index block = blocks.begin; block < blocks.end; ++block) {
        const Index unit = block * V::kSize;
        V::load(sum + unit)
            .store_partial(to + gate * w_.hidden_size + unit, w_.layout.valid(block));
      }
    });
  }

 private:
  static constexpr Index kRows = 16;

  V c_hat(Index t, Index b, Index unit, Index valid) const {
    return saved_.moments(t, b)[2].hat(V::load(saved_.c.at(t + 1, b) + unit), valid);
  }
  V dn_hat(Index t, Index b, Index unit) const {
    return V::load(w_.norm.gamma_c.data() + unit) * V::load(saved_.m(t, b) + unit);
  }
  V recurrent_dhat(Index t, Index b, Index at) const {
    return V::load(w_.norm.gamma_hh.data() + at) * V::load(saved_.gate_row(t, b) + at);
  }

  template <class F>
  void for_rows_and_groups(Range rows, Range groups, const F& f) const {
    for (Index b = rows.begin; b < rows.end; ++b) {
      for (Index g = groups.begin; g < groups.end; ++g) f(b, g, w_.hidden_layout.blocks_of(g));
    }
  }
  // f(place in a row of slots, units that exist) of the slots that take R h_prev, or W x.
  template <class F>
  void for_recurrent(Range blocks, const F& f) const {
    for_slots({kTerm.slot, kTerm.slot + kTerm.slots}, blocks, f);
  }
  template <class F>
  void for_inputs(const F& f) const {
    for_slots({0, Cell::kInputSlots}, {0, w_.layout.blocks}, f);
  }
  template <class F>
  void for_slots(Range slots, Range blocks, const F& f) const {
    for (Index slot = slots.begin; slot < slots.end; ++slot) {
      for (Index block = blocks.begin; block < blocks.end; ++block) {
        f(slot * w_.layout.padded + block * V::kSize, w_.layout.valid(block));
      }
    }
  }

  T* sums(Index slot) { return gains_.data() + slot * w_.layout.padded; }

  // f(sums, the gate that they belong to, array of the gradient)
  template <class F>
  void for_gains(const F& f) {
    for (int s = 0; s < Cell::kInputSlots; ++s) f(sums(s), Cell::kInputGate[s], out_.gamma_ih);
    for (int s = 0; s < kTerm.slots; ++s) {
      f(sums(Cell::kSlots + kTerm.slot + s), kTerm.gate + s, out_.gamma_hh);
    }
    if constexpr (Cell::kStates == 2) {
      f(sums(2 * Cell::kSlots), 0, out_.gamma_c);
      f(sums(2 * Cell::kSlots + 1), 0, out_.beta_c);
    }
  }

  void sum_gains_of(Range rows, Index block) {
    const Index unit = block * V::kSize;
    for_slots({0, Cell::kInputSlots}, {block, block + 1}, [&](Index at, Index) {
      sum_rows(rows, sums(0) + at, [&](Index row) {
        return V::load(saved_.gate_row(row) + at) * V::load(saved_.hat_ih(row) + at);
      });
    });
    for_recurrent({block, block + 1}, [&](Index at, Index) {
      sum_rows(rows, sums(Cell::kSlots) + at, [&](Index row) {
        return V::load(saved_.gate_row(row) + at) * V::load(saved_.hat_hh(row) + at);
      });
    });
    if constexpr (Cell::kStates == 2) {
      T* const of_gamma = sums(2 * Cell::kSlots) + unit;
      const auto dn = [&](const StepRow& at) { return V::load(saved_.m(at.s, at.j) + unit); };
      sum_rows(rows, of_gamma, [&](Index row) {
        const StepRow at = saved_.rows.at(row);
        return dn(at) * c_hat(at.s, at.j, unit, w_.layout.valid(block));
      });
      sum_rows(rows, of_gamma + w_.layout.padded,
               [&](Index row) { return dn(saved_.rows.at(row)); });
    }
  }
  template <class F>
  static void sum_rows(Range rows, T* to, const F& value_of) {
    V sum = V::load(to);
    for (Index row = rows.end; row > rows.begin; --row) sum = sum + value_of(row - 1);
    sum.store(to);
  }

  const PackedWeights<T>& w_;
  Saved<T>& saved_;
  const WeightGradients<T> out_;
  RowBackSums<T> recurrent_, cells_;
  History<T> squashed_;     // q of a step
  AlignedBuffer<T> gains_;  // [of γ_x: slot][units], [of γ_h: slot][units], of γ_c, of β_c
};

}  // namespace tidegate
