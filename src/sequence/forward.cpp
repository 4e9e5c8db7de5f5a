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
#include "sequence/forward_epilogue.hpp"
#include "sequence/scaled_states.hpp"

namespace tidegate {
namespace {

template <class T, class Cell>
class ForwardPass final : public Pass, private ForwardEpilogue<T, Cell> {
  using Base = ForwardEpilogue<T, Cell>;
  using Base::norm_;
  using Base::p_;
  using Base::projection_;
  using Base::projects;
  using Base::schedule_;
  using Base::states_;
  using Base::w_;
  using V = Lane<T>;
  using Step = typename ForwardStates<T, Cell>::Step;

 public:
  ForwardPass(const Cell& cell, const PackedWeights<T>& weights, const ForwardProblem<T>& problem,
              Saved<T>* saved, const Schedule& schedule)
      : Base(cell, weights, problem, saved, schedule),
        scaled_(weights, p_.factors, problem.rows.batch, schedule.threads),
        barriers_(static_cast<std::size_t>(schedule.threads)),
        interruption_(Interruption::current()) {
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
                     thread, team, interruption_);
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
      if (interruption_.raised()) return;
      const Range steps{t, std::min(all.end, t + schedule_.chunk)};
      projection_.run(part, steps);
      if constexpr (kNormalizes<Cell>) {
        norm_.take_inputs(part, steps, p_.rows, projection_);
        part.wait();
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
    for (Index step = steps.begin; step < steps.end && !interruption_.raised(); ++step) {
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
        Base::template squash_normalized_c<factored>(part, step);
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
    const bool few = are_few(part, rows);
    const Index walks = few ? 1 : part.groups.size();
    for (Index k = 0; k < walks; ++k) {
      const Index g = part.groups.at(k, is_odd(t));
      const Range groups = few ? part.groups : Range{g, g + 1};
      if (interruption_.raised()) return;
      if constexpr (!kNormalizes<Cell>) multiply<phase, factored>(part, rows, groups, step, row);
      Base::template finish<phase, factored>(part, rows, groups, step, row);
      interruption_.poll(rows.size() * groups.size() * projection_.width(g) * w_.hidden_size);
    }
    if constexpr (Cell::kStates == 2 && phase == Cell::kPhases - 1) {
      if (p_.cell_states) Base::copy_c(part, rows, step);
    }
  }

  // Gates wait for chains of operations, products for memory: of few rows, which leave either too
  // little to do at a time, all products go first. Else the epilogue finds them in the L1 cache.
  bool are_few(const Part& part, Range rows) const {
    constexpr Index kElements = 16 * 1024 / sizeof(T);
    return rows.size() * projection_.width(part.groups.begin) * part.groups.size() <= kElements;
  }
  static bool is_odd(Index t) { return t % 2 != 0; }

  template <int phase, bool factored>
  void scale_states(const Part& part, Range rows, Index t) {
    if (!factored || phase != 0 || !p_.factors.scale) return;
    scaled_.make(part, rows, t, [&](Index b) { return states_.h_prev(t, b); });
  }

  // Adds the products of a phase to what the projection holds from `row` on.
  template <int phase, bool factored>
  void multiply(const Part& part, Range rows, Range groups, const Step& step, Index row) {
    for (Index k = 0; k < groups.size(); ++k) {
      const Index g = groups.at(k, is_odd(step.t));
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
          Base::template store_h<factored>(V::load(from + output - begin), step, b, output,
                                           w_.output_layout.valid(block));
        }
      }
    }
  }

  ScaledStates<T, Cell> scaled_;
  std::vector<Barrier> barriers_;  // one per slice of the batch
  Interruption& interruption_;
  History<T> projected_;  // W_hr m of a step, padded
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
    return std::make_unique<ForwardPass<T, Cell>>(
        cell, weights, problem, saved, choose_schedule(work_of(weights, problem.rows), threads));
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
