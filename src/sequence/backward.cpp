// The time loop backward. Walking t down, each thread finishes the units it owns:
//
//   dh = carry + dy_t + R^T da_{t+1}     (packed R^T; the peephole's matrices add to dc likewise)
//   da_t from the saved gates in the epilogue, written over them; dc and dh carry to t-1
//   barrier
//
// With a projection h = W_hr m the outputs come first: dh of all of them, a barrier, and dm =
// W_hr^T dh takes the place of dh. Then the big products, one pass each: dW, dR, dP over all
// rows of all steps (weight_gradients.hpp) and dx = da W (input_gradient.hpp).
#include "sequence/backward.hpp"

#include <type_traits>

#include "base/call_in_flight.hpp"
#include "base/team.hpp"
#include "sequence/forward.hpp"
#include "sequence/input_gradient.hpp"
#include "sequence/part.hpp"
#include "sequence/weight_gradients.hpp"

namespace tidegate {
namespace {

template <class T, class Cell>
class BackwardPass final : public Pass {
  using V = Lane<T>;

 public:
  BackwardPass(const Cell& cell, const PackedWeights<T>& weights, Saved<T>& saved,
               const BackwardProblem<T>& problem, int max_threads, int finishers)
      : cell_(cell),
        w_(weights),
        saved_(saved),
        p_(problem),
        schedule_(choose_schedule(backward_work_of(weights, saved.rows), max_threads)),
        barriers_(static_cast<std::size_t>(schedule_.threads) + 1),
        gradients_(weights, saved, problem.weights, std::max(schedule_.threads, finishers)),
        input_(weights, saved, problem.dx, schedule_.threads),
        zeros_(std::max(weights.hidden_layout.padded, weights.output_layout.padded)) {
    zeros_.zero();
    const Index batch = saved.rows.batch, padded = w_.layout.padded;
    const Index output_padded = w_.output_layout.padded;
    dh_.hold_last(batch, output_padded);
    if (w_.has_projection) dm_.hold_last(batch, padded);
    if (Cell::kStates == 2) dc_.hold_last(batch, padded);
    if (Cell::kUsesResetH) dreset_.hold_last(batch, padded);
    if (saved.factors.scale) {
      dh_in_.hold_last(batch, output_padded);
      if (saved.factors.per_gate()) dgate_.hold_last(batch, output_padded);
    }
  }

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
    if (p_.dx) {
      input_.run_rows({rows.row(rows.steps - steps.end, 0), rows.row(rows.steps - steps.begin, 0)});
    }
  }

  void finish(int thread, int team) noexcept override { gradients_.run(thread, team); }

 private:
  Part part_of(int thread, int team) {
    return make_part(schedule_, saved_.rows, w_.hidden_layout.groups, w_.output_layout.groups,
                     barriers_, thread, team);
  }

  void run_part(int thread, int team) noexcept {
    const Part part = part_of(thread, team);
    load_states(part);
    run_steps(part, {0, saved_.rows.steps});
    store_states(part);
    barriers_.back().wait(team);  // every da is needed below
    gradients_.run(thread, team);
    if (p_.dx) input_.run(thread, team);
  }

  // Step 0 is the last in time.
  void run_steps(const Part& part, Range steps) {
    if (saved_.factors.any()) {
      run_steps_with<true>(part, steps);
    } else {
      run_steps_with<false>(part, steps);
    }
  }
  template <bool factored>
  void run_steps_with(const Part& part, Range steps) {
    for (Index step = steps.begin; step < steps.end; ++step) {
      const Index t = saved_.rows.steps - 1 - step;
      if (projects()) {
        finish_outputs<factored>(part, t);
        part.wait();
      }
      run_phase<0, factored>(part, t);
      part.wait();
      if constexpr (Cell::kPhases == 2) {
        run_phase<1, factored>(part, t);
        part.wait();
      }
    }
  }

  // Packed groups go one by one, so that the epilogue finds its dh in the L1 cache; what is read
  // where it lies goes together.
  template <class F>
  void for_groups(Range all, const F& f) const {
    while (all.size() > 0) {
      const Range groups = w_.terms_transposed.front().at_once(all);
      f(groups);
      all.begin = groups.end;
    }
  }

  bool projects() const { return Cell::kProjects && w_.has_projection; }

  void load_states(const Part& part) {
    const auto load = [&](const T* from, const UnitLayout<T>& layout, Range groups, T* to,
                          Index b) {
      const Range units = layout.units_of(groups);
      if (units.size() == 0) return;
      std::fill(to + units.begin, to + round_up(units.end, V::kSize), T(0));
      if (from != nullptr) {
        const T* row = from + saved_.rows.batch_of(b) * layout.units;
        std::copy_n(row + units.begin, units.size(), to + units.begin);
      }
    };
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      load(p_.dh_last, w_.output_layout, part.outputs, dh_.at(0, b), b);
      if (saved_.factors.scale) {
        load(nullptr, w_.output_layout, part.outputs, dh_in_.at(0, b), b);
      }
      if constexpr (Cell::kStates == 2) {
        load(p_.dc_last, w_.hidden_layout, part.groups, dc_.at(0, b), b);
      }
    }
  }

  // What flows out of the first step is the gradient of the initial state.
  void store_states(const Part& part) {
    const auto store = [&](const T* from, const UnitLayout<T>& layout, Range groups, T* to,
                           Index b) {
      const Range units = layout.units_of(groups);
      T* row = to + saved_.rows.batch_of(b) * layout.units;
      std::copy_n(from + units.begin, units.size(), row + units.begin);
    };
    for_groups(part.outputs, [&](Range groups) { add_to_h_before(part, groups, 0); });
    for_groups(part.groups,
               [&](Range groups) { add_terms(part, groups, Operand::kCPrev, 0, dc_, false); });
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      store(dh_.at(0, b), w_.output_layout, part.outputs, p_.dh0, b);
      if constexpr (Cell::kStates == 2) {
        store(dc_.at(0, b), w_.hidden_layout, part.groups, p_.dc0, b);
      }
    }
    if (p_.dx.has_gaps() && part.groups.begin == 0) fill_gaps_of_dx(part.rows);
  }

  void fill_gaps_of_dx(Range rows) {
    for (Index j = rows.begin; j < rows.end; ++j) {
      saved_.rows.ragged->for_each_gap(j, [&](Range times, Index) {
        for (Index t = times.begin; t < times.end; ++t) {
          std::fill_n(p_.dx.at_time(t, saved_.rows.batch_of(j)), w_.input_size, T(0));
        }
      });
    }
  }

  template <int phase, bool factored>
  void run_phase(const Part& part, Index t) {
    const Range rows = saved_.rows.active(part.rows, t);
    for_groups(part.groups, [&](Range groups) {
      const Range blocks = w_.hidden_layout.blocks_of(groups);
      if constexpr (phase == 0) {
        if constexpr (Cell::kStates == 2) {
          if (p_.dcell_states) add(p_.dcell_states, dc_, rows, w_.layout, blocks, t);
        }
        if (projects()) {
          project_back(part, groups, t);
        } else {
          finish_dh(part, groups, t);
        }
        if (t + 1 < saved_.rows.steps) add_terms(part, groups, Operand::kCPrev, t + 1, dc_, false);
      } else {
        add_terms(part, groups, Operand::kC, t, dc_, false);
        add_terms(part, groups, Operand::kResetH, t, dreset_, true);
      }
      for (Index b = rows.begin; b < rows.end; ++b) {
        for (Index block = blocks.begin; block < blocks.end; ++block) {
          finish_unit<phase, factored>(t, b, block);
        }
      }
    });
  }

  // dh of some groups of outputs, but for what already flowed into it. The state before step t+1 is
  // that after step t: its gradient takes da_{t+1}.
  void finish_dh(const Part& part, Range groups, Index t) {
    if (p_.dy) {
      add(p_.dy, dh_, saved_.rows.active(part.rows, t), w_.output_layout,
          w_.output_layout.blocks_of(groups), t);
    }
    if (t + 1 < saved_.rows.steps) add_to_h_before(part, groups, t + 1);
  }

  // The gradient by what step t gave out, and by its repetitions.
  void add(const SequenceView<const T>& given, History<T>& to, Range rows,
           const UnitLayout<T>& layout, Range blocks, Index t) {
    const bool holds = given.has_gaps() && p_.masked_output == MaskedOutput::kHold;
    for (Index b = rows.begin; b < rows.end; ++b) {
      add_row(given.at(t, b), to.at(0, b), layout, blocks);
      if (holds) add_repeats(given, to.at(0, b), layout, blocks, t, b);
    }
  }

  void add_row(const T* given, T* to, const UnitLayout<T>& layout, Range blocks) {
    for (Index block = blocks.begin; block < blocks.end; ++block) {
      T* sum = to + block * V::kSize;
      const V more = V::load_partial(given + block * V::kSize, layout.valid(block));
      (V::load(sum) + more).store(sum);
    }
  }

  // The invalid times after a step repeat what it gave out.
  void add_repeats(const SequenceView<const T>& given, T* to, const UnitLayout<T>& layout,
                   Range blocks, Index t, Index b) {
    const RaggedBatch& ragged = *saved_.rows.ragged;
    const Index end = ragged.next_time(t, b);
    for (Index time = ragged.time_of(t, b) + 1; time < end; ++time) {
      add_row(given.at_time(time, ragged.batch_of(b)), to, layout, blocks);
    }
  }

  // The gradient of a projection's result, for project_back() and for that of W_hr.
  template <bool factored>
  void finish_outputs(const Part& part, Index t) {
    const Range rows = saved_.rows.active(part.rows, t);
    for_groups(part.outputs, [&](Range groups) {
      finish_dh(part, groups, t);
      const Range blocks = w_.output_layout.blocks_of(groups);
      for (Index b = rows.begin; b < rows.end; ++b) {
        for (Index block = blocks.begin; block < blocks.end; ++block) {
          const Index unit = block * V::kSize, valid = w_.output_layout.valid(block);
          V dh = V::load(dh_.at(0, b) + unit);
          const V dh_kept = take_kept<factored>(dh, t, b, unit, valid);
          dh.store(saved_.dh(t, b) + unit);
          dh_kept.store(dh_.at(0, b) + unit);
          if (factored && saved_.factors.scale) V(T(0)).store(dh_in_.at(0, b) + unit);
        }
      }
    });
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

  // dm = W_hr^T dh for the units of some groups
  void project_back(const Part& part, Range groups, Index t) {
    const Range rows = saved_.rows.active(part.rows, t);
    if (rows.size() == 0) return;
    const auto row_of = [&](Index r) { return saved_.dh(t, rows.begin + r); };
    T* to = dm_.at(0, rows.begin) + w_.hidden_layout.units_of(groups).begin;
    w_.projection_transposed.front().multiply(groups, rows.size(), row_of,
                                              {zeros_.data(), 0, to, w_.layout.padded});
  }

  // dh += R^T da_t, what step t sends to the state before it
  void add_to_h_before(const Part& part, Range groups, Index t) {
    for (int k = 0; k < Cell::kTermCount; ++k) {
      if (Cell::kTerms[k].operand != Operand::kHPrev) continue;
      if (saved_.factors.scale) {
        add_scaled_term(part, groups, k, t);
      } else {
        add_term(part, groups, k, t, dh_, false);
      }
    }
  }

  // to (+)= matrix^T da_t of every term with this operand, for some groups of its units
  void add_terms(const Part& part, Range groups, Operand operand, Index t, History<T>& to,
                 bool from_zero) {
    for (int k = 0; k < Cell::kTermCount; ++k) {
      if (Cell::kTerms[k].operand == operand) add_term(part, groups, k, t, to, from_zero);
    }
  }

  // to (+)= matrix^T da_t for the units of some groups
  void add_term(const Part& part, Range groups, int k, Index t, History<T>& to, bool from_zero) {
    add_slots(part, groups, k, {0, Cell::kTerms[k].slots}, t, to, from_zero);
  }
  // The same for some of the term's slots.
  void add_slots(const Part& part, Range groups, int k, Range slots, Index t, History<T>& to,
                 bool from_zero) {
    const Range rows = saved_.rows.active(part.rows, t);
    if (rows.size() == 0) return;
    const Index padded = w_.layout.padded;
    const Index slots_at = (Cell::kTerms[k].slot + slots.begin) * padded;
    const auto row_of = [&](Index r) { return saved_.gate_row(t, rows.begin + r) + slots_at; };
    const UnitLayout<T>& columns = w_.operand_layout(Cell::kTerms[k].operand);
    const Range blocks = columns.blocks_of(groups);
    T* out = to.at(0, rows.begin) + blocks.begin * V::kSize;
    w_.terms_transposed[static_cast<std::size_t>(k)].multiply_pieces(
        groups, slots, rows.size(), row_of,
        {from_zero ? zeros_.data() : out, from_zero ? 0 : columns.padded, out, columns.padded});
  }

  // dh += scale_t∘(R^T da_t + what else step t left for its scaled h_prev)
  void add_scaled_term(const Part& part, Range groups, int k, Index t) {
    const StateFactors<T>& factors = saved_.factors;
    const Term& term = Cell::kTerms[k];
    if (!factors.per_gate()) {
      add_term(part, groups, k, t, dh_in_, false);
      add_scaled(part, groups, t, 0, dh_in_);
      return;
    }
    for (int slot = 0; slot < term.slots; ++slot) {
      add_slots(part, groups, k, {slot, slot + 1}, t, dgate_, true);
      add_scaled(part, groups, t, term.gate + slot, dgate_);
    }
    if constexpr (Cell::kUsesResetH) {
      add_scaled(part, groups, t, Cell::kTerms[Cell::kTermCount - 1].gate, dh_in_);
    }
  }

  // dh += scale_t∘from; the gradient by the scale is h_prev∘from.
  void add_scaled(const Part& part, Range groups, Index t, Index gate, const History<T>& from) {
    const Range blocks = w_.output_layout.blocks_of(groups);
    const Range rows = saved_.rows.active(part.rows, t);
    for (Index b = rows.begin; b < rows.end; ++b) {
      for (Index block = blocks.begin; block < blocks.end; ++block) {
        const Index unit = block * V::kSize, valid = w_.output_layout.valid(block);
        const V scale = V::load_partial(saved_.factors.scale_at(t, b, gate) + unit, valid);
        const V dh_in = V::load(from.at(0, b) + unit);
        T* dh = dh_.at(0, b) + unit;
        multiply_add(scale, dh_in, V::load(dh)).store(dh);
        if (!p_.dscale) continue;
        const V h_prev = V::load_partial(saved_.h_prev(t, b) + unit, valid);
        (h_prev * dh_in).store_partial(p_.dscale.at(t, b) + unit, valid);
      }
    }
  }

  template <int phase, bool factored>
  [[gnu::always_inline]] void finish_unit(Index t, Index b, Index block) {
    const Index unit = block * V::kSize, padded = w_.layout.padded;
    T* gates = saved_.gate_row(t, b) + unit;
    T* dh = (projects() ? dm_ : dh_).at(0, b) + unit;
    BackwardUnit<V> u;
    for (int s = 0; s < Cell::kSlots; ++s) u.s[s] = V::load(gates + s * padded);
    if constexpr (Cell::kUsesHPrev) {
      u.h_prev = u.h_in = V::load_partial(saved_.h_prev(t, b) + unit, w_.layout.valid(block));
      if (factored && saved_.factors.scale) {
        u.h_in =
            u.h_prev * saved_.factors.template scale_of<Cell>(t, b, unit, w_.layout.valid(block));
        if (!saved_.factors.product_only) u.h_prev = u.h_in;
      }
    }
    u.dh = V::load(dh);
    V dh_kept(T(0));
    if (factored && (phase == 0 || !Cell::kCarriesDh) && !projects()) {
      dh_kept = take_kept<factored>(u.dh, t, b, unit, w_.layout.valid(block));
    }
    if constexpr (Cell::kStates == 2) {
      u.c_prev = V::load(saved_.c.at(t, b) + unit);
      u.c = V::load(saved_.c.at(t + 1, b) + unit);
      u.dc = V::load(dc_.at(0, b) + unit);
    }
    if constexpr (Cell::kUsesResetH && phase == 1) {
      u.dreset_h = V::load(dreset_.at(0, b) + unit);
      u.dh_in = factored && saved_.factors.scale ? V::load(dh_in_.at(0, b) + unit) : u.dh;
    }
    if constexpr (Cell::kDiagonal) {
      for (Index q = 0; q < Cell::kPeepholes; ++q)
        u.peephole[q] = V::load(w_.peephole.data() + q * padded + unit);
    }
    cell_.template backward<phase>(u);
    const Index valid = w_.layout.valid(block);
    for (int s = 0; s < Cell::kSlots; ++s) {
      if ((Cell::kWrites[phase] >> s & 1u) == 0) continue;
      // Padding met 0 * inf if the row holds an inf; as an operand below it must be zero.
      if (valid < V::kSize) u.s[s] = u.s[s].first(valid);
      u.s[s].store(gates + s * padded);
    }
    if constexpr (Cell::kStates == 2) u.dc.store(dc_.at(0, b) + unit);
    if (projects()) return;  // finish_outputs() left what flows on
    if constexpr (factored) {
      carry_dh<phase>(u, dh_kept, dh, saved_.factors.scale ? dh_in_.at(0, b) + unit : nullptr);
    } else if constexpr (Cell::kCarriesDh) {
      (phase == 0 ? u.dh : u.dh_in).store(dh);
    } else if constexpr (phase == Cell::kPhases - 1) {
      V(T(0)).store(dh);
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

  const Cell cell_;
  const PackedWeights<T>& w_;
  Saved<T>& saved_;
  const BackwardProblem<T> p_;
  const Schedule schedule_;
  std::vector<Barrier> barriers_;  // one per slice of the batch, the last for the whole team
  History<T> dh_, dm_, dc_, dreset_;
  History<T> dh_in_, dgate_;  // gradients by the scaled h_prev: all, and of one gate
  WeightGradientPass<T> gradients_;
  InputGradientPass<T> input_;
  AlignedBuffer<T> zeros_;  // of one row
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
  return visit_cell(weights.config, [&](const auto& cell) -> std::unique_ptr<Pass> {
    using Cell = std::decay_t<decltype(cell)>;
    return std::make_unique<BackwardPass<T, Cell>>(cell, weights, saved, problem, threads,
                                                   finishers);
  });
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
