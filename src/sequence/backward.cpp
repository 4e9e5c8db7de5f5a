// The time loop backward. Walking t down, each thread finishes the units it owns:
//
//   dh = carry + R^T da_{t+1} + dy_t     (packed R^T; the peephole's matrices add to dc likewise)
//   da_t from the saved gates in the epilogue, written over them; dc and dh carry to t-1
//   barrier
//
// With a projection h = W_hr m the outputs come first: dh of all of them, a barrier, and dm =
// W_hr^T dh takes the place of dh. So do they in an LSTM under layer normalisation, and after da
// there, and another barrier, comes the gradient by R h_prev, whose units depend on all da. Then
// the big products, one pass each: dW, dR, dP over all rows of all steps (weight_gradients.hpp) and
// dx = da W (input_gradient.hpp).
#include "sequence/backward.hpp"

#include <type_traits>

#include "base/call_in_flight.hpp"
#include "base/team.hpp"
#include "sequence/backward_epilogue.hpp"
#include "sequence/forward.hpp"
#include "sequence/input_gradient.hpp"
#include "sequence/part.hpp"
#include "sequence/state_rows.hpp"
#include "sequence/weight_gradients.hpp"

namespace tidegate {
namespace {

template <class T, class Cell>
class BackwardPass final : public Pass, private BackwardEpilogue<T, Cell> {
  using Base = BackwardEpilogue<T, Cell>;
  using Base::dc_;
  using Base::dh_;
  using Base::dm_;
  using Base::norm_;
  using Base::operands_;
  using Base::outputs_first;
  using Base::p_;
  using Base::saved_;
  using Base::w_;
  using V = Lane<T>;

 public:
  BackwardPass(const Cell& cell, const PackedWeights<T>& weights, Saved<T>& saved,
               const BackwardProblem<T>& problem, int max_threads, int finishers)
      : Base(cell, weights, saved, problem),
        interruption_(Interruption::current()),
        schedule_(choose_schedule(backward_work_of(weights, saved.rows), max_threads)),
        barriers_(static_cast<std::size_t>(schedule_.threads) + 1),
        gradients_(weights, saved, problem.weights, problem.accumulate,
                   std::max(schedule_.threads, finishers)),
        input_(weights, saved, problem.dx, schedule_.threads) {}

  void run(int threads) override {
    run_team(std::min(threads, schedule_.threads),
             [this](int thread, int team) { run_part(thread, team); });
  }

  void run_piece(Range steps) noexcept override {
    const ActiveRows& rows = saved_.rows;
    const Part whole = part_of(0, 1);
    if (steps.begin == 0) load_states(whole);
    run_steps(whole, steps);
    if (steps.end == rows.steps) store_states(whole);
    const Range done{rows.row(rows.steps - steps.end, 0), rows.row(rows.steps - steps.begin, 0)};
    if constexpr (kNormalizes<Cell>) {
      norm_.sum_gains(done, {0, w_.layout.blocks});
      norm_.finish_inputs(done);
    }
    if (p_.dx) input_.run_rows(done);
  }

  void finish(int thread, int team) noexcept override {
    if constexpr (kNormalizes<Cell>) {
      norm_.write_gains(even_slice(w_.layout.blocks, team, thread));
    }
    gradients_.run(thread, team);
  }

 private:
  Part part_of(int thread, int team) {
    return make_part(schedule_, saved_.rows, w_.hidden_layout.groups, w_.output_layout.groups,
                     barriers_, thread, team, interruption_);
  }

  void run_part(int thread, int team) noexcept {
    const Part part = part_of(thread, team);
    load_states(part);
    run_steps(part, {0, saved_.rows.steps});
    store_states(part);
    barriers_.back().wait(team, interruption_);  // every da is needed below
    if constexpr (kNormalizes<Cell>) {
      const Range all{0, saved_.rows.total()}, blocks = even_slice(w_.layout.blocks, team, thread);
      norm_.sum_gains(all, blocks);
      norm_.write_gains(blocks);
      barriers_.back().wait(team, interruption_);
      norm_.finish_inputs(even_slice(all.end, team, thread));
      barriers_.back().wait(team, interruption_);
    }
    gradients_.run(thread, team);
    if (p_.dx) input_.run(thread, team);
  }

  // Step 0 is the last in time.
  void run_steps(const Part& part, Range steps) {
    if (kNormalizes<Cell> || saved_.factors.any()) {
      run_steps_with<true>(part, steps);
    } else if constexpr (!kNormalizes<Cell>) {
      run_steps_with<false>(part, steps);
    }
  }
  template <bool factored>
  void run_steps_with(const Part& part, Range steps) {
    for (Index step = steps.begin; step < steps.end && !interruption_.raised(); ++step) {
      const Index t = saved_.rows.steps - 1 - step;
      if (outputs_first()) {
        finish_outputs<factored>(part, t);
        part.wait();
      }
      run_phase<0, factored>(part, t);
      part.wait();
      if constexpr (kNormalizes<Cell>) {
        norm_.finish_products(part, t);
        part.wait();
      }
      if constexpr (Cell::kPhases == 2) {
        run_phase<1, factored>(part, t);
        part.wait();
      }
    }
  }

  // Packed groups go one by one, so that the epilogue finds its dh in the L1 cache, back and forth
  // from step to step.
  template <class F>
  [[gnu::always_inline]] void for_groups(Range all, Index t, const F& f) const {
    w_.terms_transposed.front().for_groups(all, t % 2 != 0, f);
  }

  void load_states(const Part& part) {
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      const Index sequence = saved_.rows.batch_of(b);
      load_state(p_.dh_last, sequence, w_.output_layout, part.outputs, dh_.at(0, b));
      if (saved_.factors.scale) {
        const T* none = nullptr;
        load_state(none, sequence, w_.output_layout, part.outputs, operands_.dh_in().at(0, b));
      }
      if constexpr (Cell::kStates == 2) {
        load_state(p_.dc_last, sequence, w_.hidden_layout, part.groups, dc_.at(0, b));
      }
    }
  }

  // What flows out of the first step is the gradient of the initial state.
  void store_states(const Part& part) {
    for_groups(part.outputs, 0,
               [&](Range groups) { operands_.add_to_h_prev(part.rows, groups, 0, dh_); });
    for_groups(part.groups, 0, [&](Range groups) {
      operands_.add_to(Operand::kCPrev, part.rows, groups, 0, dc_, false);
    });
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      const Index sequence = saved_.rows.batch_of(b);
      store_state(dh_.at(0, b), w_.output_layout, part.outputs, p_.dh0, sequence);
      if constexpr (Cell::kStates == 2) {
        store_state(dc_.at(0, b), w_.hidden_layout, part.groups, p_.dc0, sequence);
      }
    }
    if (!p_.dx.has_gaps() || part.groups.begin != 0) return;
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      fill_gaps(p_.dx, *saved_.rows.ragged, b, {0, w_.input_size}, MaskedOutput::kZero);
    }
  }

  template <int phase, bool factored>
  void run_phase(const Part& part, Index t) {
    const Range rows = saved_.rows.active(part.rows, t);
    if (rows.size() == 0) return;
    const auto step = Base::step(t);
    for_groups(part.groups, t, [&](Range groups) __attribute__((always_inline)) {
      if (interruption_.raised()) return;
      const Range blocks = w_.hidden_layout.blocks_of(groups);
      interruption_.poll(rows.size() * blocks.size() * V::kSize * w_.plan.slots * w_.layout.padded);
      if constexpr (phase == 0) {
        if (Base::projects()) {
          project_back(part, groups, t);
        } else if (!outputs_first()) {
          finish_dh(part, groups, t);
        }
        if (t + 1 < saved_.rows.steps) {
          operands_.add_to(Operand::kCPrev, part.rows, groups, t + 1, dc_, false);
        }
        if constexpr (Cell::kStates == 2) {
          if (p_.dcell_states) {
            add_gradients(p_.dcell_states, p_.masked_output, t, rows, w_.layout, blocks, dc_);
          }
        }
      } else {
        operands_.add_to(Operand::kC, part.rows, groups, t, dc_, false);
        operands_.add_to(Operand::kResetH, part.rows, groups, t, Base::dreset_, true);
      }
      Base::template finish<phase, factored>(rows, blocks, step);
      if constexpr (kNormalizes<Cell>) norm_.sum_products(rows, groups, t);
    });
  }

  // dh of some groups of outputs, but for what already flowed into it. The state before step t+1 is
  // that after step t: its gradient takes da_{t+1}.
  void finish_dh(const Part& part, Range groups, Index t) {
    if (t + 1 < saved_.rows.steps) operands_.add_to_h_prev(part.rows, groups, t + 1, dh_);
    if (p_.dy) {
      add_gradients(p_.dy, p_.masked_output, t, saved_.rows.active(part.rows, t), w_.output_layout,
                    w_.output_layout.blocks_of(groups), dh_);
    }
  }

  // The gradient by h, for project_back() and for that of W_hr, or for an LSTM whose h comes from
  // LN(c).
  template <bool factored>
  void finish_outputs(const Part& part, Index t) {
    const Range rows = saved_.rows.active(part.rows, t);
    for_groups(part.outputs, t, [&](Range groups) {
      finish_dh(part, groups, t);
      const Range blocks = w_.output_layout.blocks_of(groups);
      for (Index b = rows.begin; b < rows.end; ++b) {
        for (Index block = blocks.begin; block < blocks.end; ++block) {
          const Index unit = block * V::kSize, valid = w_.output_layout.valid(block);
          V dh = V::load(dh_.at(0, b) + unit);
          const V dh_kept = Base::template take_kept<factored>(dh, t, b, unit, valid);
          if constexpr (kNormalizesC<Cell>) {
            dh.store(dm_.at(0, b) + unit);
            norm_.unsquash(Base::cell_, dh, t, b, unit, valid);
          } else {
            dh.store(saved_.dh(t, b) + unit);
          }
          dh_kept.store(dh_.at(0, b) + unit);
          if (factored && saved_.factors.scale) V(T(0)).store(operands_.dh_in().at(0, b) + unit);
        }
      }
      if constexpr (kNormalizesC<Cell>) norm_.sum_c(rows, groups, t);
    });
  }

  // dm = W_hr^T dh for the units of some groups
  void project_back(const Part& part, Range groups, Index t) {
    const Range rows = saved_.rows.active(part.rows, t);
    if (rows.size() == 0) return;
    const OperandRows<T> dh(saved_.dh(t, rows.begin), saved_.row_size());
    T* to = dm_.at(0, rows.begin) + w_.hidden_layout.units_of(groups).begin;
    w_.projection_transposed.front().multiply(groups, rows.size(), dh,
                                              {operands_.zeros(), 0, to, w_.layout.padded});
  }

  Interruption& interruption_;
  const Schedule schedule_;
  std::vector<Barrier> barriers_;  // one per slice of the batch, the last for the whole team
  WeightGradientPass<T> gradients_;
  InputGradientPass<T> input_;
};

}  // namespace

template <class T>
Work backward_work_of(const PackedWeights<T>& w, const ActiveRows& rows) {
  Work work = work_of(w, rows);
  work.groups = w.hidden_layout.groups;
  work.gradient_bytes = w.bytes_per_step() + w.input.bytes();
  return work;
}

template <class T>
std::unique_ptr<Pass> make_backward(const PackedWeights<T>& weights, Saved<T>& saved,
                                    const BackwardProblem<T>& problem, int threads, int finishers) {
  const auto make = [&](const auto& cell) -> std::unique_ptr<Pass> {
    using Cell = std::decay_t<decltype(cell)>;
    return std::make_unique<BackwardPass<T, Cell>>(cell, weights, saved, problem, threads,
                                                   finishers);
  };
  return weights.config.layer_norm ? visit_normalized_cell(weights.config, make)
                                   : visit_cell(weights.config, make);
}

template <class T>
void run_backward(const PackedWeights<T>& weights, Saved<T>& saved,
                  const BackwardProblem<T>& problem, int threads) {
  const CallInFlight call;
  const int share = call.share_of(threads);
  make_backward(weights, saved, problem, share, 1)->run(share);
}

template std::unique_ptr<Pass> make_backward(const PackedWeights<float>&, Saved<float>&,
                                             const BackwardProblem<float>&, int, int);
template std::unique_ptr<Pass> make_backward(const PackedWeights<double>&, Saved<double>&,
                                             const BackwardProblem<double>&, int, int);
template void run_backward(const PackedWeights<float>&, Saved<float>&,
                           const BackwardProblem<float>&, int);
template void run_backward(const PackedWeights<double>&, Saved<double>&,
                           const BackwardProblem<double>&, int);
template Work backward_work_of(const PackedWeights<float>&, const ActiveRows&);
template Work backward_work_of(const PackedWeights<double>&, const ActiveRows&);

}  // namespace tidegate
