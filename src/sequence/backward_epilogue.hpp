// What follows the products of a backward step: the cell's derivatives for a lane of units at a
// time, and what flows on to the step before.
#pragma once

#include <type_traits>

#include "sequence/backward_norm.hpp"
#include "sequence/operand_gradients.hpp"

namespace tidegate {

// The part of a backward pass that knows the cell's equations; BackwardPass has the time loop.
template <class T, class Cell>
class BackwardEpilogue {
  using V = Lane<T>;

 protected:
  BackwardEpilogue(const Cell& cell, const PackedWeights<T>& weights, Saved<T>& saved,
                   const BackwardProblem<T>& problem)
      : cell_(cell),
        w_(weights),
        saved_(saved),
        p_(problem),
        operands_(weights, saved, problem.dscale),
        norm_(weights, saved, problem.weights, problem.accumulate) {
    const Index batch = saved.rows.batch, padded = w_.layout.padded;
    dh_.hold_last(batch, w_.output_layout.padded);
    if (outputs_first()) dm_.hold_last(batch, padded);
    if (Cell::kStates == 2) dc_.hold_last(batch, padded);
    if (Cell::kUsesResetH) dreset_.hold_last(batch, padded);
  }

  bool projects() const { return w_.template projects<Cell>(); }
  // dh is through before the cell's epilogue, which takes its dh from dm.
  bool outputs_first() const { return projects() || kNormalizesC<Cell>; }

  // All rows of a step as its epilogue needs them; what the cell does not have stays empty.
  struct Step {
    Index t;
    StepRows<const T> h_prev;  // empty where h is scattered
    StepRows<T> gates, c_prev, c, dh, dc, dreset, dh_in;
  };
  [[gnu::always_inline]] Step step(Index t) {
    Step rows{};
    rows.t = t;
    rows.gates = {saved_.gate_row(t, 0), saved_.row_size()};
    rows.dh = (outputs_first() ? dm_ : dh_).rows_at(0);
    if constexpr (Cell::kUsesHPrev) rows.h_prev = saved_.h_prev_rows(t);
    if constexpr (Cell::kStates == 2) {
      rows.c_prev = saved_.c.rows_at(t);
      rows.c = saved_.c.rows_at(t + 1);
      rows.dc = dc_.rows_at(0);
    }
    if constexpr (Cell::kUsesResetH) rows.dreset = dreset_.rows_at(0);
    if (saved_.factors.scale) rows.dh_in = operands_.dh_in().rows_at(0);
    return rows;
  }

  // da of some blocks, whose dh and dc are complete.
  template <int phase, bool factored>
  [[gnu::always_inline]] void finish(Range rows, Range blocks, const Step& step) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      [[maybe_unused]] BackMeans<T> c_means;
      if constexpr (kNormalizesC<Cell>) c_means = norm_.c_row(b);
      for (Index block = blocks.begin; block < blocks.end; ++block) {
        finish_unit<phase, factored>(step, b, block, c_means);
      }
    }
  }

  // Splits dh into the share that passes by the cell, which is returned, and that of the cell.
  template <bool factored>
  V take_kept(V& dh, Index t, Index b, Index unit, Index valid) const {
    if (!factored || !saved_.factors.keep) return V(T(0));
    const V keep = saved_.factors.keep_of(t, b, unit, valid);
    const V kept = keep * dh;
    dh = (V(T(1)) - keep) * dh;
    return kept;
  }

 private:
  template <int phase, bool factored>
  [[gnu::always_inline]] void finish_unit(const Step& step, Index b, Index block,
                                          [[maybe_unused]] const BackMeans<T>& c_means) {
    const Index unit = block * V::kSize, padded = w_.layout.padded;
    const Index valid = w_.layout.valid(block);
    const Index t = step.t;
    T* gates = step.gates.at(b) + unit;
    T* dh = step.dh.at(b) + unit;
    BackwardUnit<V> u;
    for (int s = 0; s < Cell::kSlots; ++s) u.s[s] = V::load(gates + s * padded);
    u.dh = V::load(dh);
    V dh_kept(T(0));
    if (factored && (phase == 0 || !Cell::kCarriesDh) && !outputs_first()) {
      dh_kept = take_kept<factored>(u.dh, t, b, unit, valid);
    }
    read<phase, factored>(u, step, b, unit, valid);
    if constexpr (kNormalizesC<Cell>) {
      u.dc = u.dc + norm_.dc(c_means, t, b, unit, valid);
      with_output(cell_, norm_.squashed(b, unit)).template backward<phase>(u);
    } else {
      cell_.template backward<phase>(u);
    }
    if constexpr (Cell::kDecaysMemory) {
      if (p_.dmemory) u.dmemory_decay.store_partial(p_.dmemory.at(t, b) + unit, valid);
    }
    write_da<phase>(u, gates, valid);
    if constexpr (Cell::kStates == 2) u.dc.store(step.dc.at(b) + unit);
    if (outputs_first()) return;  // finish_outputs() left what flows on
    if constexpr (factored) {
      carry_dh<phase>(u, dh_kept, dh, saved_.factors.scale ? step.dh_in.at(b) + unit : nullptr);
    } else if constexpr (Cell::kCarriesDh) {
      (phase == 0 ? u.dh : u.dh_in).store(dh);
    } else if constexpr (phase == Cell::kPhases - 1) {
      V(T(0)).store(dh);
    }
  }

  // What the cell takes beside its gates and dh.
  template <int phase, bool factored>
  [[gnu::always_inline]] void read(BackwardUnit<V>& u, const Step& step, Index b, Index unit,
                                   Index valid) {
    const Index t = step.t;
    if constexpr (Cell::kUsesHPrev) {
      const T* h_prev = step.h_prev ? step.h_prev.at(b) : saved_.h_prev(t, b);
      saved_.factors.template read_h_prev<Cell, factored>(u, h_prev, t, b, unit, valid);
    }
    if constexpr (Cell::kStates == 2) {
      u.c_prev = V::load(step.c_prev.at(b) + unit);
      u.c = V::load(step.c.at(b) + unit);
      u.dc = V::load(step.dc.at(b) + unit);
    }
    if constexpr (Cell::kUsesResetH && phase == 1) {
      u.dreset_h = V::load(step.dreset.at(b) + unit);
      u.dh_in = factored && saved_.factors.scale ? V::load(step.dh_in.at(b) + unit) : u.dh;
    }
    if constexpr (Cell::kDiagonal) w_.template read_peepholes<Cell>(u, unit);
    if constexpr (Cell::kDecaysMemory) u.memory_decay = V(*saved_.factors.memory.at(t, b));
  }

  template <int phase>
  [[gnu::always_inline]] void write_da(BackwardUnit<V>& u, T* gates, Index valid) {
    const Index padded = w_.layout.padded;
    for (int s = 0; s < Cell::kSlots; ++s) {
      if ((Cell::kWrites[phase] >> s & 1u) == 0) continue;
      // Padding met 0 * inf if the row holds an inf; as an operand below it must be zero.
      if (valid < V::kSize) u.s[s] = u.s[s].first(valid);
      u.s[s].store(gates + s * padded);
    }
  }

  // What flows on to h_prev goes to dh, what flows on to the scaled h_prev to dh_in.
  template <int phase>
  void carry_dh(const BackwardUnit<V>& u, const V& dh_kept, T* dh, T* dh_in) {
    if constexpr (!Cell::kCarriesDh) {
      if constexpr (phase == Cell::kPhases - 1) {
        dh_kept.store(dh);
        if (dh_in != nullptr) V(T(0)).store(dh_in);
      }
    } else if constexpr (phase == 0) {
      const bool blend_is_scaled = dh_in != nullptr && !saved_.factors.product_only;
      (blend_is_scaled ? dh_kept : dh_kept + u.dh).store(dh);
      if (dh_in != nullptr) (blend_is_scaled ? u.dh : V(T(0))).store(dh_in);
    } else {
      u.dh_in.store(dh_in != nullptr ? dh_in : dh);
    }
  }

 protected:
  const Cell cell_;
  const PackedWeights<T>& w_;
  Saved<T>& saved_;
  const BackwardProblem<T> p_;
  History<T> dh_, dm_, dc_, dreset_;
  OperandGradients<T, Cell> operands_;
  std::conditional_t<kNormalizes<Cell>, BackwardNorm<T, Cell>, NoNorm> norm_;
};

}  // namespace tidegate
