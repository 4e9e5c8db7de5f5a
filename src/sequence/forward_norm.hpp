// Layer normalisation in the time loop forward: the sums over all units of a row, and what a cell's
// epilogue takes in place of W x + b + R h_prev.
#pragma once

#include "cells/normalized.hpp"
#include "sequence/input_projection.hpp"
#include "sequence/layer_norm.hpp"
#include "sequence/saved.hpp"

namespace tidegate {

// Of one row at one step.
template <class T>
struct NormRow {
  Moments<T> input{}, recurrent{};
};

template <class T, class Cell>
class ForwardNorm {
  using V = Lane<T>;
  static constexpr Term kTerm = Cell::kTerms[0];
  static_assert(Cell::kTermCount == 1 && Cell::kPhases == 1, "R h_prev is the only product");

 public:
  ForwardNorm(const PackedWeights<T>& weights, Index batch, const Schedule& schedule,
              Saved<T>* saved)
      : w_(weights),
        saved_(saved),
        batch_(batch),
        inputs_(weights.layout, checked_product(schedule.chunk, batch), Cell::kInputSlots),
        recurrent_(weights.layout, batch, kTerm.slots),
        cells_(weights.layout, Cell::kStates == 2 ? batch : 0, 1),
        products_(checked_product(batch, weights.layout.padded, Cell::kSlots)),
        rows_(static_cast<std::size_t>(checked_product(schedule.threads, batch))) {}

  // W x of the part's groups and rows, of all steps of a chunk.
  void take_inputs(const Part& part, Range steps, const ActiveRows& rows,
                   InputProjection<T, Cell>& projection) {
    for (Index g = part.groups.begin; g < part.groups.end; ++g) {
      for (Index t = steps.begin; t < steps.end; ++t) {
        const Range active = rows.active(part.rows, t);
        for (Index b = active.begin; b < active.end; ++b) {
          inputs_.put((t - steps.begin) * batch_ + b, g,
                      projection.at(g, projection.row(part, steps.begin, t, b)), slot_stride(g));
        }
      }
    }
  }

  // Where R h_prev of a row goes: its first slot, as the projection holds W x.
  T* products(Index group, Index b) {
    return products_.data() + batch_ * w_.slot_offset(group) +
           b * slot_stride(group) * Cell::kSlots;
  }
  void take_products(Range rows, Index group) {
    const Index stride = slot_stride(group);
    for (Index b = rows.begin; b < rows.end; ++b) {
      recurrent_.put(b, group, products(group, b) + kTerm.slot * stride, stride);
    }
  }

  // When all products are there: rows of step t, which is `step` of its chunk. Each thread adds up
  // for itself, which costs less than waiting for others.
  void finish_rows(const Part& part, Range rows, Index step, Index t) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      const Moments<T> input = inputs_.moments(step * batch_ + b);
      const Moments<T> recurrent = recurrent_.moments(b);
      rows_[row_at(part, b)] = {input, recurrent};
      if (saved_ == nullptr || part.hidden_slice != 0) continue;
      saved_->moments(t, b)[0] = input;
      saved_->moments(t, b)[1] = recurrent;
    }
  }
  const NormRow<T>& row(const Part& part, Index b) const { return rows_[row_at(part, b)]; }

  // a holds W x of a lane of units, and then all of a; `products` is where their R h_prev begins.
  void normalize(V* a, Index slot_stride, Index t, Index b, Index unit, Index valid,
                 const T* products, const NormRow<T>& row) const {
    const Index padded = w_.layout.padded;
    for (int s = 0; s < Cell::kSlots; ++s) {
      const Index at = s * padded + unit;
      V sum = V::load(w_.norm.bias.data() + at);
      if (s < Cell::kInputSlots) {
        const V hat = row.input.hat(a[s], valid);
        sum = multiply_add(V::load(w_.norm.gamma_ih.data() + at), hat, sum);
        if (saved_ != nullptr) hat.store(saved_->hat_ih(t, b) + at);
      }
      if (s >= kTerm.slot && s < kTerm.slot + kTerm.slots) {
        const V hat = row.recurrent.hat(V::load(products + s * slot_stride), valid);
        sum = multiply_add(V::load(w_.norm.gamma_hh.data() + at), hat, sum);
        if (saved_ != nullptr) hat.store(saved_->hat_hh(t, b) + at);
      }
      a[s] = sum;
    }
  }

  // The new c of a group of a row.
  void take_c(Index b, Index group, const T* c) {
    cells_.put(b, group, c + w_.layout.units_of({group, group + 1}).begin, 0);
  }
  // When all of c is there.
  Moments<T> c_row(const Part& part, Index t, Index b) const {
    const Moments<T> moments = cells_.moments(b);
    if (saved_ != nullptr && part.hidden_slice == 0) saved_->moments(t, b)[2] = moments;
    return moments;
  }

 private:
  std::size_t row_at(const Part& part, Index b) const {
    return static_cast<std::size_t>(part.hidden_slice * batch_ + b);
  }
  Index slot_stride(Index group) const { return w_.layout.blocks_of(group).size() * V::kSize; }

  const PackedWeights<T>& w_;
  Saved<T>* const saved_;
  const Index batch_;
  RowSpreads<T> inputs_, recurrent_, cells_;  // of a chunk, and of a step
  AlignedBuffer<T> products_;                 // [group][row][slot][block][lanes]
  std::vector<NormRow<T>> rows_;              // [hidden slice][row]
};

}  // namespace tidegate
