// What follows the products of a forward step: the cell's equations for a lane of units at a time,
// and where their results go.
#pragma once

#include <type_traits>

#include "sequence/forward_norm.hpp"
#include "sequence/forward_states.hpp"
#include "sequence/input_projection.hpp"
#include "sequence/part.hpp"

namespace tidegate {

// The part of a forward pass that knows the cell's equations; ForwardPass has the time loop.
template <class T, class Cell>
class ForwardEpilogue {
  using V = Lane<T>;

 protected:
  using Step = typename ForwardStates<T, Cell>::Step;

  ForwardEpilogue(const Cell& cell, const PackedWeights<T>& weights,
                  const ForwardProblem<T>& problem, Saved<T>* saved, const Schedule& schedule)
      : cell_(cell),
        w_(weights),
        p_(problem),
        saved_(saved),
        schedule_(schedule),
        states_(weights, p_, saved),
        projection_(weights, problem.rows, problem.x, schedule_.chunk),
        norm_(weights, problem.rows.batch, schedule_, saved) {}

  bool projects() const { return w_.template projects<Cell>(); }

  // The epilogue of some groups, whose pre-activations the projection holds from `row` on.
  template <int phase, bool factored>
  void finish(const Part& part, Range rows, Range groups, const Step& step, Index row) {
    for (Index g = groups.begin; g < groups.end; ++g) {
      const Range blocks = w_.layout.blocks_of(g);
      const Index slot_stride = blocks.size() * V::kSize;
      T* acc = projection_.at(g, row);
      for (Index b = rows.begin; b < rows.end; ++b, acc += slot_stride * Cell::kSlots) {
        for (Index block = blocks.begin; block < blocks.end; ++block) {
          const Index at = (block - blocks.begin) * V::kSize;
          if constexpr (kNormalizes<Cell>) {
            finish_unit<phase, factored>(acc + at, slot_stride, step, b, block,
                                         norm_.products(g, b) + at, norm_.row(part, b));
          } else {
            finish_unit<phase, factored>(acc + at, slot_stride, step, b, block);
          }
        }
        if constexpr (kNormalizesC<Cell>) norm_.take_c(b, g, step.c.at(b));
      }
    }
  }

  // h = o∘tanh(LN(c)), where the epilogue left o in the place of m.
  template <bool factored>
  void squash_normalized_c(const Part& part, Index t) {
    const Step step = states_.step(t);
    const Range rows = p_.rows.active(part.rows, t), blocks = w_.layout.blocks_of(part.groups);
    for (Index b = rows.begin; b < rows.end; ++b) {
      const Moments<T> moments = norm_.c_row(part, t, b);
      for (Index block = blocks.begin; block < blocks.end; ++block) {
        const Index unit = block * V::kSize, valid = w_.layout.valid(block);
        const V hat = moments.hat(V::load(step.c.at(b) + unit), valid);
        const V n = multiply_add(V::load(w_.norm.gamma_c.data() + unit), hat,
                                 V::load(w_.norm.beta_c.data() + unit));
        const V o = V::load(step.m.at(b) + unit);
        store_h<factored>(o * cell_.act.output.value(n), step, b, unit, valid);
      }
    }
  }

  void copy_c(const Part& part, Range rows, const Step& step) {
    const Range units = w_.layout.units_of(part.groups);
    for (Index b = rows.begin; b < rows.end; ++b) {
      std::copy_n(step.c.at(b) + units.begin, units.size(),
                  p_.cell_states.at(step.t, b) + units.begin);
    }
  }

  // `h` is what the cell makes; some of the state before may be kept.
  template <bool factored>
  void store_h(V h, const Step& step, Index b, Index unit, Index valid) {
    if (factored && p_.factors.keep) {
      h = p_.factors.kept(h, V::load_partial(states_.h_prev(step, b) + unit, valid), step.t, b,
                          unit, valid);
    }
    h.store_partial(states_.h_after(step, b) + unit, valid);
  }

 private:
  // The epilogue for one lane of units of one row: slot s is at acc + s*slot_stride. `norm` is what
  // ForwardNorm needs besides, or nothing.
  // Inlined whatever the compiler thinks of so many versions: a call costs a third of it.
  template <int phase, bool factored, class... Norm>
  [[gnu::always_inline]] void finish_unit(T* acc, Index slot_stride, const Step& step, Index b,
                                          Index block, const Norm&... norm) {
    const Index unit = block * V::kSize, valid = w_.layout.valid(block);
    ForwardUnit<V> u;
    for (int s = 0; s < Cell::kSlots; ++s) u.a[s] = V::load(acc + s * slot_stride);
    if constexpr (kNormalizes<Cell>) {
      norm_.normalize(u.a, slot_stride, step.t, b, unit, valid, norm...);
    }
    read<phase, factored>(u, step, b, unit, valid);
    if constexpr (kNormalizesC<Cell>) {  // h is o for now
      with_output(cell_, V(T(1))).template forward<phase>(u);
    } else {
      cell_.template forward<phase>(u);
    }
    if constexpr (phase < Cell::kPhases - 1) {
      for (int s = 0; s < Cell::kSlots; ++s) u.a[s].store(acc + s * slot_stride);
    }
    write<phase, factored>(u, step, b, unit, valid);
  }

  // What the cell takes beside its pre-activations.
  template <int phase, bool factored>
  [[gnu::always_inline]] void read(ForwardUnit<V>& u, const Step& step, Index b, Index unit,
                                   Index valid) {
    if constexpr (Cell::kUsesHPrev) {
      p_.factors.template read_h_prev<Cell, factored>(u, states_.h_prev(step, b), step.t, b, unit,
                                                      valid);
    }
    if constexpr (Cell::kStates == 2) {
      u.c_prev = V::load(step.c_prev.at(b) + unit);
      if constexpr (phase == 1) u.c = V::load(step.c.at(b) + unit);
    }
    if constexpr (Cell::kDiagonal) w_.template read_peepholes<Cell>(u, unit);
    if constexpr (Cell::kDecaysMemory) u.memory_decay = V(*p_.factors.memory.at(step.t, b));
  }

  template <int phase, bool factored>
  [[gnu::always_inline]] void write(const ForwardUnit<V>& u, const Step& step, Index b, Index unit,
                                    Index valid) {
    if constexpr (Cell::kStates == 2 && phase == 0) u.c.store(step.c.at(b) + unit);
    if constexpr (Cell::kUsesResetH && phase == 0) u.reset_h.store(step.reset_h.at(b) + unit);
    if constexpr (phase == Cell::kPhases - 1) {
      if (projects() || kNormalizesC<Cell>) {
        u.h.store(step.m.at(b) + unit);
      } else {
        store_h<factored>(u.h, step, b, unit, valid);
      }
      if (saved_ != nullptr) {
        T* gates = step.gates.at(b) + unit;
        for (int s = 0; s < Cell::kSlots; ++s) u.a[s].store(gates + s * w_.layout.padded);
      }
    }
  }

 protected:
  const Cell cell_;
  const PackedWeights<T>& w_;
  const ForwardProblem<T> p_;
  Saved<T>* const saved_;
  const Schedule schedule_;
  ForwardStates<T, Cell> states_;
  InputProjection<T, Cell> projection_;
  std::conditional_t<kNormalizes<Cell>, ForwardNorm<T, Cell>, NoNorm> norm_;
};

}  // namespace tidegate
