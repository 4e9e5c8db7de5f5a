// The states of a forward pass wherever the time loop looks at them: what it saves for the backward
// pass, or else rings of the last one or two.
#pragma once

#include "cells/normalized.hpp"
#include "sequence/forward.hpp"
#include "sequence/part.hpp"
#include "sequence/state_rows.hpp"

namespace tidegate {

template <class T, class Cell>
class ForwardStates {
 public:
  // `problem` and `saved`, which may be null, outlive it.
  ForwardStates(const PackedWeights<T>& weights, const ForwardProblem<T>& problem, Saved<T>* saved)
      : c(saved != nullptr ? saved->c : c_ring_),
        reset_h(saved != nullptr ? saved->reset_h : reset_ring_),
        w_(weights),
        p_(problem),
        saved_(saved),
        h0_(saved != nullptr ? saved->h0 : h0_ring_) {
    if (saved != nullptr) return;
    const Index batch = problem.rows.batch, padded = weights.layout.padded;
    h0_ring_.hold_last(batch, weights.output_layout.padded);
    if (!problem.y) h_ring_.hold_last_two(batch, weights.output_layout.padded);
    if (weights.has_projection || kNormalizesC<Cell>) m_.hold_last(batch, padded);
    if (Cell::kStates == 2) c_ring_.hold_last_two(batch, padded);
    if (Cell::kUsesResetH) reset_ring_.hold_last(batch, padded);
  }

  ForwardStates(const ForwardStates&) = delete;
  ForwardStates& operator=(const ForwardStates&) = delete;

  History<T>& c;  // at t before step t, at t + 1 after it
  History<T>& reset_h;
  T* m(Index t, Index b) { return saved_ != nullptr ? saved_->m(t, b) : m_.at(0, b); }
  [[gnu::noinline]] T* h_after(Index t, Index b) {
    if (p_.y) return p_.y.at(t, b);
    return saved_ != nullptr ? saved_->own_h.at(t, b) : h_ring_.at(t, b);
  }
  const T* h_prev(Index t, Index b) { return t == 0 ? h0_.at(0, b) : h_after(t - 1, b); }

  // All rows of a step as its epilogue needs them; what the cell does not have stays empty.
  struct Step {
    Index t;
    StepRows<T> h_prev, h;  // empty where h is scattered
    StepRows<T> c_prev, c, reset_h, m;
    StepRows<T> gates;  // what is saved of them
  };
  [[gnu::always_inline]] Step step(Index t) {
    Step rows{};
    rows.t = t;
    rows.h = h_rows_after(t);
    rows.h_prev = t == 0 ? h0_.rows_at(0) : h_rows_after(t - 1);
    if constexpr (Cell::kStates == 2) {
      rows.c_prev = c.rows_at(t);
      rows.c = c.rows_at(t + 1);
    }
    if constexpr (Cell::kUsesResetH) rows.reset_h = reset_h.rows_at(t);
    if (saved_ != nullptr) rows.gates = {saved_->gate_row(t, 0), saved_->row_size()};
    if (w_.has_projection || kNormalizesC<Cell>) {
      rows.m = saved_ == nullptr ? m_.rows_at(0) : StepRows<T>{saved_->m(t, 0), saved_->row_size()};
    }
    return rows;
  }
  [[gnu::always_inline]] T* h_after(const Step& step, Index b) {
    return step.h ? step.h.at(b) : h_after(step.t, b);
  }
  [[gnu::always_inline]] const T* h_prev(const Step& step, Index b) {
    return step.h_prev ? step.h_prev.at(b) : h_prev(step.t, b);
  }

  // Every hidden slice of the same rows would write the same values: the first one does.
  void load(const Part& part) {
    if (part.hidden_slice != 0) return;
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      const Index sequence = p_.rows.batch_of(b);
      load_state(p_.h0, sequence, w_.output_layout, {0, w_.output_layout.groups}, h0_.at(0, b));
      if constexpr (Cell::kStates == 2) {
        load_state(p_.c0, sequence, w_.layout, {0, w_.layout.groups}, c.at(0, b));
      }
    }
  }

  // After the last step of each row.
  void store(const Part& part) {
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      const Index sequence = p_.rows.batch_of(b), last = p_.rows.length(b);
      store_state(h_prev(last, b), w_.output_layout, part.outputs, p_.h_last, sequence);
      if constexpr (Cell::kStates == 2) {
        store_state(c.at(last, b), w_.layout, part.groups, p_.c_last, sequence);
      }
    }
  }

 private:
  [[gnu::always_inline]] StepRows<T> h_rows_after(Index t) {
    if (p_.y) return p_.y.rows_at(t);
    return saved_ != nullptr ? saved_->own_h.rows_at(t) : h_ring_.rows_at(t);
  }

  const PackedWeights<T>& w_;
  const ForwardProblem<T>& p_;
  Saved<T>* const saved_;
  History<T> h0_ring_, h_ring_, c_ring_, reset_ring_, m_;
  History<T>& h0_;
};

}  // namespace tidegate
