// The time loop forward. For a chunk of steps each thread first projects the inputs of its rows and
// units (weights read once per chunk), then steps through time:
//
//   acc = W x + b   (from the chunk's buffer)
//   acc += R h_prev (packed panels, register tiles), gates in the epilogue, store h, c, saved gates
//   barrier         (only threads that share rows of the batch wait for each other)
//
// With a projection the epilogue stores m instead, and after the barrier h = W_hr m is a product of
// its own, with a barrier after it. With layer normalisation R h_prev of all units comes first,
// then the epilogue, then, in an LSTM, the output; a barrier after each.
#include "sequence/forward.hpp"

#include <type_traits>

#include "base/call_in_flight.hpp"
#include "base/team.hpp"
#include "sequence/forward_norm.hpp"
#include "sequence/forward_states.hpp"
#include "sequence/input_projection.hpp"
#include "sequence/part.hpp"
#include "sequence/scaled_states.hpp"

namespace tidegate {
namespace {

template <class T, class Cell>
class ForwardPass final : public Pass {
  using V = Lane<T>;
  using Step = typename ForwardStates<T, Cell>::Step;

 public:
  ForwardPass(const Cell& cell, const PackedWeights<T>& weights, const ForwardProblem<T>& problem,
              Saved<T>* saved, int max_threads)
      : cell_(cell),
        w_(weights),
        p_(problem),
        saved_(saved),
        schedule_(choose_schedule(work_of(weights, problem.rows), max_threads)),
        states_(weights, p_, saved),
        scaled_(weights, p_.factors, problem.rows.batch, schedule_.threads),
        projection_(weights, problem.rows, problem.x, schedule_.chunk),
        norm_(weights, problem.rows.batch, schedule_, saved),
        barriers_(static_cast<std::size_t>(schedule_.threads)) {
    if (projects()) projected_.hold_last(problem.rows.batch, w_.output_layout.padded);
  }

  void run(int threads) override {
    run_team(std::min(threads, schedule_.threads),
             [this](int thread, int team) { run_part(thread, team); });
  }

  void run_piece(Range steps) noexcept override {
    const Part whole = part_of(0, 1);
    if (steps.begin == 0) states_.load(whole);
    run_steps(whole, steps);
    if (steps.end == p_.rows.steps) store_states(whole);
  }

  void finish(int, int) noexcept override {}

 private:
  Part part_of(int thread, int team) {
    return make_part(schedule_, p_.rows, w_.layout.groups, w_.output_layout.groups, barriers_,
                     thread, team);
  }

  void run_part(int thread, int team) noexcept {
    const Part part = part_of(thread, team);
    states_.load(part);
    part.wait();
    run_steps(part, {0, p_.rows.steps});
    store_states(part);
  }

  void run_steps(const Part& part, Range all) {
    for (Index t = all.begin; t < all.end; t += schedule_.chunk) {
      const Range steps{t, std::min(all.end, t + schedule_.chunk)};
      projection_.run(part, steps);
      if constexpr (kNormalizes<Cell>) {
        norm_.take_inputs(part, steps, p_.rows, projection_);
        part.wait();
      }
      if constexpr (kNormalizes<Cell>) {
        run_chunk<true>(part, steps);
      } else if (p_.factors.any()) {
        run_chunk<true>(part, steps);
      } else {
        run_chunk<false>(part, steps);
      }
    }
  }

  template <bool factored>
  void run_chunk(const Part& part, Range steps) {
    for (Index step = steps.begin; step < steps.end; ++step) {
      if constexpr (kNormalizes<Cell>) {
        multiply_only<factored>(part, step);
        part.wait();
      }
      run_phase<0, factored>(part, step, steps.begin);
      part.wait();
      if constexpr (Cell::kPhases == 2) {
        run_phase<1, factored>(part, step, steps.begin);
        part.wait();
      }
      if (projects()) {
        project_output<factored>(part, step);
        part.wait();
      }
      if constexpr (kNormalizesC<Cell>) {
        squash_normalized_c<factored>(part, step);
        part.wait();
      }
    }
  }

  void store_states(const Part& part) {
    states_.store(part);
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      if (p_.y.has_gaps()) fill_gaps_of(p_.y, b, w_.output_layout.units_of(part.outputs));
      if (p_.cell_states.has_gaps()) {
        fill_gaps_of(p_.cell_states, b, w_.layout.units_of(part.groups));
      }
    }
  }
  void fill_gaps_of(const SequenceView<T>& of, Index b, Range units) {
    fill_gaps(of, *p_.rows.ragged, b, units, p_.masked_output);
  }

  template <int phase, bool factored>
  void run_phase(const Part& part, Index t, Index first) {
    const Range rows = p_.rows.active(part.rows, t);
    if (rows.size() == 0) return;
    if constexpr (kNormalizes<Cell>) {
      norm_.finish_rows(part, rows, t - first, t);
    } else {
      scale_states<phase, factored>(part, rows, t);
    }
    const Step step = states_.step(t);
    const Index row = projection_.row(part, first, t, rows.begin);
    const Index at_once = groups_at_once(part, rows);
    for (Index g = part.groups.begin; g < part.groups.end; g += at_once) {
      const Range groups{g, std::min(g + at_once, part.groups.end)};
      if constexpr (!kNormalizes<Cell>) multiply<phase, factored>(part, rows, groups, step, row);
      finish<phase, factored>(part, rows, groups, step, row);
    }
    if constexpr (Cell::kStates == 2 && phase == Cell::kPhases - 1) {
      if (p_.cell_states) copy_c(part, rows, step);
    }
  }

  // Gates wait for chains of operations, products for memory: of few rows, which leave either too
  // little to do at a time, all products go first. Else the epilogue finds them in the L1 cache.
  Index groups_at_once(const Part& part, Range rows) const {
    constexpr Index kElements = 16 * 1024 / sizeof(T);
    const Index width = projection_.width(part.groups.begin);
    return rows.size() * width * part.groups.size() <= kElements ? part.groups.size() : 1;
  }

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

  template <int phase, bool factored>
  void scale_states(const Part& part, Range rows, Index t) {
    if (!factored || phase != 0 || !p_.factors.scale) return;
    scaled_.make(part, rows, t, [&](Index b) { return states_.h_prev(t, b); });
  }

  // Adds the products of a phase to what the projection holds from `row` on.
  template <int phase, bool factored>
  void multiply(const Part& part, Range rows, Range groups, const Step& step, Index row) {
    for (Index g = groups.begin; g < groups.end; ++g) {
      multiply_group<phase, factored>(part, rows, g, step, projection_.at(g, row),
                                      projection_.width(g));
    }
  }

  // acc += the products of a phase for some rows of a group
  template <int phase, bool factored>
  [[gnu::always_inline]] void multiply_group(const Part& part, Range rows, Index group,
                                             const Step& step, T* acc, Index width) {
    for (int k = 0; k < Cell::kTermCount; ++k) {
      if (Cell::kTerms[k].phase != phase) continue;
      T* to = acc + width / Cell::kSlots * Cell::kTerms[k].slot;
      if (factored && p_.factors.scale && Cell::kTerms[k].operand == Operand::kHPrev) {
        scaled_.multiply(part, rows, group, k, to, width);
        continue;
      }
      const WeightMatrix<T>& matrix = w_.terms[static_cast<std::size_t>(k)];
      if (const StepRows<T> from = operand_rows(step, Cell::kTerms[k].operand)) {
        matrix.multiply({group, group + 1}, rows.size(), {from.at(rows.begin), from.distance},
                        {to, width, to, width});
      } else {
        const auto row_of = [this, t = step.t, begin = rows.begin](Index r) {
          return states_.h_prev(t, begin + r);
        };
        matrix.multiply({group, group + 1}, rows.size(), row_of, {to, width, to, width});
      }
    }
  }

  static StepRows<T> operand_rows(const Step& step, Operand operand) {
    switch (operand) {
      case Operand::kCPrev:
        return step.c_prev;
      case Operand::kC:
        return step.c;
      case Operand::kResetH:
        return step.reset_h;
      case Operand::kHPrev:
        break;
    }
    return step.h_prev;
  }

  // R h_prev apart from W x, for layer normalisation.
  template <bool factored>
  void multiply_only(const Part& part, Index t) {
    const Range rows = p_.rows.active(part.rows, t);
    if (rows.size() == 0) return;
    scale_states<0, factored>(part, rows, t);
    const Step step = states_.step(t);
    for (Index g = part.groups.begin; g < part.groups.end; ++g) {
      const Index width = projection_.width(g);
      T* const to = norm_.products(g, rows.begin);
      std::fill_n(to, rows.size() * width, T(0));
      multiply_group<0, factored>(part, rows, g, step, to, width);
      norm_.take_products(rows, g);
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

  bool projects() const { return Cell::kProjects && w_.has_projection; }

  // h = W_hr m. Rows of y have no padding: the tiles end in rows of our own.
  template <bool factored>
  void project_output(const Part& part, Index t) {
    const Index stride = w_.output_layout.padded;
    const Range rows = p_.rows.active(part.rows, t);
    if (rows.size() == 0) return;
    const Step step = states_.step(t);
    const OperandRows<T> m(step.m.at(rows.begin), step.m.distance);
    for (Index g = part.outputs.begin; g < part.outputs.end; ++g) {
      const Index begin = w_.output_layout.units_of({g, g + 1}).begin;
      T* from = projected_.at(0, rows.begin) + begin;
      w_.projection.front().multiply({g, g + 1}, rows.size(), m, {zeros<T>(), 0, from, stride});
      const Range blocks = w_.output_layout.blocks_of(g);
      for (Index b = rows.begin; b < rows.end; ++b, from += stride) {
        for (Index block = blocks.begin; block < blocks.end; ++block) {
          const Index output = block * V::kSize;
          store_h<factored>(V::load(from + output - begin), step, b, output,
                            w_.output_layout.valid(block));
        }
      }
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
    if constexpr (kNormalizesC<Cell>) {  // h is o for now
      with_output(cell_, V(T(1))).template forward<phase>(u);
    } else {
      cell_.template forward<phase>(u);
    }
    if constexpr (Cell::kStates == 2 && phase == 0) u.c.store(step.c.at(b) + unit);
    if constexpr (Cell::kUsesResetH && phase == 0) u.reset_h.store(step.reset_h.at(b) + unit);
    if constexpr (phase < Cell::kPhases - 1) {
      for (int s = 0; s < Cell::kSlots; ++s) u.a[s].store(acc + s * slot_stride);
    } else {
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

  const Cell cell_;
  const PackedWeights<T>& w_;
  const ForwardProblem<T> p_;
  Saved<T>* const saved_;
  const Schedule schedule_;
  ForwardStates<T, Cell> states_;
  ScaledStates<T, Cell> scaled_;
  InputProjection<T, Cell> projection_;
  std::conditional_t<kNormalizes<Cell>, ForwardNorm<T, Cell>, NoNorm> norm_;
  std::vector<Barrier> barriers_;  // one per slice of the batch
  History<T> projected_;           // W_hr m of a step, padded
};

}  // namespace

template <class T>
Work work_of(const PackedWeights<T>& w, const ActiveRows& rows) {
  const int more = w.config.layer_norm ? w.plan.states : w.has_projection ? 1 : 0;
  const int phases = w.plan.phases + more;
  return {rows.steps, rows.mean_batch(), w.input_size,       w.hidden_size, w.plan.slots,
          phases,     w.layout.groups,   w.bytes_per_step(), sizeof(T),     0};
}

template <class T>
std::unique_ptr<Pass> make_forward(const PackedWeights<T>& weights,
                                   const ForwardProblem<T>& problem, Saved<T>* saved, int threads) {
  const auto make = [&](const auto& cell) -> std::unique_ptr<Pass> {
    using Cell = std::decay_t<decltype(cell)>;
    return std::make_unique<ForwardPass<T, Cell>>(cell, weights, problem, saved, threads);
  };
  return weights.config.layer_norm ? visit_normalized_cell(weights.config, make)
                                   : visit_cell(weights.config, make);
}

template <class T>
void run_forward(const PackedWeights<T>& weights, const ForwardProblem<T>& problem, Saved<T>* saved,
                 int threads) {
  const CallInFlight call;
  make_forward(weights, problem, saved, threads)->run(call.share_of(threads));
}

template std::unique_ptr<Pass> make_forward(const PackedWeights<float>&,
                                            const ForwardProblem<float>&, Saved<float>*, int);
template std::unique_ptr<Pass> make_forward(const PackedWeights<double>&,
                                            const ForwardProblem<double>&, Saved<double>*, int);

template void run_forward(const PackedWeights<float>&, const ForwardProblem<float>&, Saved<float>*,
                          int);
template void run_forward(const PackedWeights<double>&, const ForwardProblem<double>&,
                          Saved<double>*, int);
template Work work_of(const PackedWeights<float>&, const ActiveRows&);
template Work work_of(const PackedWeights<double>&, const ActiveRows&);

}  // namespace tidegate
