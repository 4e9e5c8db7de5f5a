// The time loop forward. For a chunk of steps each thread first projects the inputs of its rows and
// units (weights read once per chunk), then steps through time:
//
//   acc = W x + b   (from the chunk's buffer)
//   acc += R h_prev (packed panels, register tiles), gates in the epilogue, store h, c, saved gates
//   barrier         (only threads that share rows of the batch wait for each other)
//
// With a projection the epilogue stores m instead, and after the barrier h = W_hr m is a product of
// its own, with a barrier after it.
#include "sequence/forward.hpp"

#include <type_traits>

#include "base/call_in_flight.hpp"
#include "base/team.hpp"
#include "sequence/part.hpp"

namespace tidegate {
namespace {

template <class T, class Cell>
class ForwardPass final : public Pass {
  using V = Lane<T>;

 public:
  ForwardPass(const Cell& cell, const PackedWeights<T>& weights, const ForwardProblem<T>& problem,
              Saved<T>* saved, int max_threads)
      : cell_(cell),
        w_(weights),
        p_(problem),
        saved_(saved),
        schedule_(choose_schedule(work_of(weights, problem.rows), max_threads)),
        projection_(
            checked_product(schedule_.chunk * problem.rows.batch, w_.layout.padded * Cell::kSlots)),
        barriers_(static_cast<std::size_t>(schedule_.threads)) {
    const Index padded = w_.layout.padded;
    const Index batch = p_.rows.batch;
    const Index output_padded = w_.output_layout.padded;
    if (w_.has_projection) projected_.hold_last(batch, output_padded);
    if (p_.factors.scale) {
      scaled_rows_ = p_.factors.per_gate() ? Cell::kGates : 1;
      scaled_.resize(
          checked_product(checked_product(schedule_.threads, batch), scaled_rows_, output_padded));
    }
    if (saved_ == nullptr) {
      h0_.hold_last(batch, output_padded);
      if (!p_.y) h_ring_.hold_last_two(batch, output_padded);
      if (w_.has_projection) m_.hold_last(batch, padded);
      if (Cell::kStates == 2) c_ring_.hold_last_two(batch, padded);
      if (Cell::kUsesResetH) reset_ring_.hold_last(batch, padded);
    }
  }

  void run(int threads) override {
    run_team(std::min(threads, schedule_.threads),
             [this](int thread, int team) { run_part(thread, team); });
  }

  void run_piece(Range steps) noexcept override {
    const Part whole = part_of(0, 1);
    if (steps.begin == 0) load_states(whole);
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
    load_states(part);
    part.wait();
    run_steps(part, {0, p_.rows.steps});
    store_states(part);
  }

  void run_steps(const Part& part, Range all) {
    for (Index t = all.begin; t < all.end; t += schedule_.chunk) {
      const Range steps{t, std::min(all.end, t + schedule_.chunk)};
      project(part, steps);
      if (p_.factors.any()) {
        run_chunk<true>(part, steps);
      } else {
        run_chunk<false>(part, steps);
      }
    }
  }

  template <bool factored>
  void run_chunk(const Part& part, Range steps) {
    for (Index step = steps.begin; step < steps.end; ++step) {
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
    }
  }

  // Every hidden slice of the same rows would write the same values: the first one does.
  void load_states(const Part& part) {
    if (part.groups.begin != 0) return;
    const auto load = [&](const T* from, const UnitLayout<T>& layout, T* to, Index b) {
      std::fill_n(to, layout.padded, T(0));
      const Index at = p_.rows.batch_of(b) * layout.units;
      if (from != nullptr) std::copy_n(from + at, layout.units, to);
    };
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      load(p_.h0, w_.output_layout, h0().at(0, b), b);
      if constexpr (Cell::kStates == 2) load(p_.c0, w_.layout, c().at(0, b), b);
    }
  }

  void store_states(const Part& part) {
    const auto store = [&](const T* from, const UnitLayout<T>& layout, Range groups, T* to,
                           Index b) {
      const Range units = layout.units_of(groups);
      T* row = to + p_.rows.batch_of(b) * layout.units;
      std::copy_n(from + units.begin, units.size(), row + units.begin);
    };
    for (Index b = part.rows.begin; b < part.rows.end; ++b) {
      const Index last = p_.rows.length(b);
      store(h_before(last, b), w_.output_layout, part.outputs, p_.h_last, b);
      if constexpr (Cell::kStates == 2) {
        store(c().at(last, b), w_.layout, part.groups, p_.c_last, b);
      }
      if (p_.y.has_gaps()) fill_gaps(p_.y, b, w_.output_layout.units_of(part.outputs));
      if (p_.cell_states.has_gaps()) {
        fill_gaps(p_.cell_states, b, w_.layout.units_of(part.groups));
      }
    }
  }

  // What row j gives out at invalid times.
  void fill_gaps(const SequenceView<T>& of, Index j, Range units) {
    const bool hold = p_.masked_output == MaskedOutput::kHold;
    p_.rows.ragged->for_each_gap(j, [&](Range times, Index before) {
      const T* from = hold && before >= 0 ? of.at(before, j) + units.begin : nullptr;
      for (Index t = times.begin; t < times.end; ++t) {
        T* to = of.at_time(t, p_.rows.batch_of(j)) + units.begin;
        if (from == nullptr) {
          std::fill_n(to, units.size(), T(0));
        } else {
          std::copy_n(from, units.size(), to);
        }
      }
    });
  }

  // Elements of one row of a group in the projection buffer.
  Index group_width(Index group) const {
    return w_.layout.blocks_of(group).size() * Cell::kSlots * V::kSize;
  }
  bool has_all_rows(const Part& part) const { return part.rows.size() == p_.rows.batch; }

  // The buffer is [group][row of the chunk, which begins at step `first`][slot][block][lanes]. Rows
  // that run lie one after the other, unless slices of the batch, which do not wait for each other,
  // share it: then each row has its place at every step.
  T* projection(const Part& part, Index group, Index first, Index t, Index b) {
    const Index rows = schedule_.chunk * p_.rows.batch;
    const Index row = has_all_rows(part) ? p_.rows.row(t, b) - p_.rows.row(first, 0)
                                         : (t - first) * p_.rows.batch + b;
    return projection_.data() + rows * w_.slot_offset(group) + row * group_width(group);
  }

  void project(const Part& part, Range steps) {
    if (part.rows.size() == 0) return;
    for (Index g = part.groups.begin; g < part.groups.end; ++g) {
      const T* bias = w_.bias.data() + w_.slot_offset(g);
      const Index width = group_width(g);
      if (has_all_rows(part)) {  // all rows of all steps are contiguous: one product
        const Index begin = p_.rows.row(steps.begin, 0), end = p_.rows.row(steps.end, 0);
        const auto row_of = [&](Index r) {
          const auto [t, b] = p_.rows.at(begin + r);
          return p_.x.at(t, b);
        };
        project_rows(g, end - begin, row_of, bias, projection(part, g, steps.begin, steps.begin, 0),
                     width);
        continue;
      }
      for (Index t = steps.begin; t < steps.end; ++t) {
        const Range rows = p_.rows.active(part.rows, t);
        const auto row_of = [&](Index r) { return p_.x.at(t, rows.begin + r); };
        project_rows(g, rows.size(), row_of, bias, projection(part, g, steps.begin, t, rows.begin),
                     width);
      }
    }
  }

  template <class RowOf>
  void project_rows(Index group, Index rows, const RowOf& row_of, const T* bias, T* to,
                    Index width) {
    w_.input.multiply({group, group + 1}, rows, row_of, {bias, 0, to, width});
    if constexpr (Cell::kInputSlots < Cell::kSlots) {  // slots without an input start from the bias
      const Index begin = width / Cell::kSlots * Cell::kInputSlots;
      for (Index r = 0; r < rows; ++r) {
        std::copy(bias + begin, bias + width, to + r * width + begin);
      }
    }
  }

  template <int phase, bool factored>
  void run_phase(const Part& part, Index t, Index first) {
    const Range rows = p_.rows.active(part.rows, t);
    if (rows.size() == 0) return;
    if (factored && phase == 0 && p_.factors.scale) scale_states(part, rows, t);
    for (Index g = part.groups.begin; g < part.groups.end; ++g) {
      T* acc = projection(part, g, first, t, rows.begin);
      const Index width = group_width(g);
      for (int k = 0; k < Cell::kTermCount; ++k) {
        if (Cell::kTerms[k].phase != phase) continue;
        T* to = acc + width / Cell::kSlots * Cell::kTerms[k].slot;
        if (factored && p_.factors.scale && Cell::kTerms[k].operand == Operand::kHPrev) {
          multiply_scaled(part, rows, g, k, to, width);
          continue;
        }
        const auto row_of = [&, k](Index r) {
          return operand_row(Cell::kTerms[k].operand, t, rows.begin + r);
        };
        w_.terms[static_cast<std::size_t>(k)].multiply({g, g + 1}, rows.size(), row_of,
                                                       {to, width, to, width});
      }
      const Range blocks = w_.layout.blocks_of(g);
      for (Index b = rows.begin; b < rows.end; ++b, acc += width) {
        for (Index block = blocks.begin; block < blocks.end; ++block) {
          finish_unit<phase, factored>(acc + (block - blocks.begin) * V::kSize,
                                       blocks.size() * V::kSize, t, b, block);
        }
        if constexpr (Cell::kStates == 2 && phase == Cell::kPhases - 1) {
          if (p_.cell_states) copy_c(blocks, t, b);
        }
      }
    }
  }

  // h_prev of the part's rows times their scales: each thread makes its own copy, which costs less
  // than waiting for others.
  void scale_states(const Part& part, Range rows, Index t) {
    if (part.groups.size() == 0) return;
    for (Index b = rows.begin; b < rows.end; ++b) {
      const T* h_prev = h_before(t, b);
      for (Index gate = 0; gate < scaled_rows_; ++gate) {
        const T* scale = p_.factors.scale_at(t, b, gate);
        T* to = scaled_row(part, b, gate);
        for (Index unit = 0; unit < w_.output_size; ++unit) to[unit] = scale[unit] * h_prev[unit];
      }
    }
  }
  T* scaled_row(const Part& part, Index b, Index gate) {
    const Index row = (part.hidden_slice * p_.rows.batch + b) * scaled_rows_ + gate;
    return scaled_.data() + row * w_.output_layout.padded;
  }

  // to += R (scale∘h_prev), gate by gate where each has a scale of its own.
  void multiply_scaled(const Part& part, Range rows, Index group, int k, T* to, Index width) {
    const Term& term = Cell::kTerms[k];
    const WeightMatrix<T>& matrix = w_.terms[static_cast<std::size_t>(k)];
    const Index blocks = w_.layout.blocks_of(group).size();
    const int pieces = p_.factors.per_gate() ? term.slots : 1;
    for (int piece = 0; piece < pieces; ++piece) {
      const Index gate = pieces == 1 ? 0 : term.gate + piece;
      const auto row_of = [&](Index r) { return scaled_row(part, rows.begin + r, gate); };
      const Range vectors = even_slice(term.slots * blocks, pieces, piece);
      matrix.multiply_vectors(group, vectors, rows.size(), row_of, {to, width, to, width});
    }
  }

  void copy_c(Range blocks, Index t, Index b) {
    const Index begin = blocks.begin * V::kSize;
    const Index count = std::min(w_.hidden_size, blocks.end * V::kSize) - begin;
    std::copy_n(c().at(t + 1, b) + begin, count, p_.cell_states.at(t, b) + begin);
  }

  bool projects() const { return Cell::kProjects && w_.has_projection; }

  // h = W_hr m. Rows of y have no padding: the tiles end in rows of our own.
  template <bool factored>
  void project_output(const Part& part, Index t) {
    const Index stride = w_.output_layout.padded;
    const Range rows = p_.rows.active(part.rows, t);
    if (rows.size() == 0) return;
    const auto row_of = [&](Index r) { return m(t, rows.begin + r); };
    for (Index g = part.outputs.begin; g < part.outputs.end; ++g) {
      const Index begin = w_.output_layout.units_of({g, g + 1}).begin;
      T* from = projected_.at(0, rows.begin) + begin;
      w_.projection.front().multiply({g, g + 1}, rows.size(), row_of,
                                     {zeros<T>(), 0, from, stride});
      const Range blocks = w_.output_layout.blocks_of(g);
      for (Index b = rows.begin; b < rows.end; ++b, from += stride) {
        for (Index block = blocks.begin; block < blocks.end; ++block) {
          const Index output = block * V::kSize;
          store_h<factored>(V::load(from + output - begin), t, b, output,
                            w_.output_layout.valid(block));
        }
      }
    }
  }

  // `h` is what the cell makes; some of the state before may be kept.
  template <bool factored>
  void store_h(V h, Index t, Index b, Index unit, Index valid) {
    if (factored && p_.factors.keep) {
      h = p_.factors.kept(h, V::load_partial(h_before(t, b) + unit, valid), t, b, unit, valid);
    }
    h.store_partial(h_after(t, b) + unit, valid);
  }

  // The epilogue for one lane of units of one row: slot s is at acc + s*slot_stride.
  // Inlined whatever the compiler thinks of so many versions: a call costs a third of it.
  template <int phase, bool factored>
  [[gnu::always_inline]] void finish_unit(T* acc, Index slot_stride, Index t, Index b,
                                          Index block) {
    const Index unit = block * V::kSize;
    const Index valid = w_.layout.valid(block);
    ForwardUnit<V> u;
    for (int s = 0; s < Cell::kSlots; ++s) u.a[s] = V::load(acc + s * slot_stride);
    if constexpr (Cell::kUsesHPrev) {
      u.h_prev = u.h_in = V::load_partial(h_before(t, b) + unit, valid);
      if (factored && p_.factors.scale) {
        u.h_in = u.h_prev * p_.factors.template scale_of<Cell>(t, b, unit, valid);
        if (!p_.factors.product_only) u.h_prev = u.h_in;
      }
    }
    if constexpr (Cell::kStates == 2) {
      u.c_prev = V::load(c().at(t, b) + unit);
      if constexpr (phase == 1) u.c = V::load(c().at(t + 1, b) + unit);
    }
    if constexpr (Cell::kDiagonal) {
      for (Index q = 0; q < Cell::kPeepholes; ++q) {
        u.peephole[q] = V::load(w_.peephole.data() + q * w_.layout.padded + unit);
      }
    }
    cell_.template forward<phase>(u);
    if constexpr (Cell::kStates == 2 && phase == 0) u.c.store(c().at(t + 1, b) + unit);
    if constexpr (Cell::kUsesResetH && phase == 0) u.reset_h.store(reset_h(t, b) + unit);
    if constexpr (phase < Cell::kPhases - 1) {
      for (int s = 0; s < Cell::kSlots; ++s) u.a[s].store(acc + s * slot_stride);
    } else {
      if (projects()) {
        u.h.store(m(t, b) + unit);
      } else {
        store_h<factored>(u.h, t, b, unit, valid);
      }
      if (saved_ != nullptr) {
        T* gates = saved_->gate_row(t, b) + unit;
        for (int s = 0; s < Cell::kSlots; ++s) u.a[s].store(gates + s * w_.layout.padded);
      }
    }
  }

  const T* operand_row(Operand operand, Index t, Index b) {
    switch (operand) {
      case Operand::kCPrev:
        return c().at(t, b);
      case Operand::kC:
        return c().at(t + 1, b);
      case Operand::kResetH:
        return reset_h(t, b);
      case Operand::kHPrev:
        break;
    }
    return h_before(t, b);
  }

  History<T>& h0() { return saved_ != nullptr ? saved_->h0 : h0_; }
  History<T>& c() { return saved_ != nullptr ? saved_->c : c_ring_; }
  T* reset_h(Index t, Index b) {
    return saved_ != nullptr ? saved_->reset_h.at(t, b) : reset_ring_.at(t, b);
  }
  T* m(Index t, Index b) { return saved_ != nullptr ? saved_->m(t, b) : m_.at(0, b); }
  T* h_after(Index t, Index b) {
    if (p_.y) return p_.y.at(t, b);
    return saved_ != nullptr ? saved_->own_h.at(t, b) : h_ring_.at(t, b);
  }
  const T* h_before(Index t, Index b) { return t == 0 ? h0().at(0, b) : h_after(t - 1, b); }

  const Cell cell_;
  const PackedWeights<T>& w_;
  const ForwardProblem<T> p_;
  Saved<T>* const saved_;
  const Schedule schedule_;
  AlignedBuffer<T> projection_;
  AlignedBuffer<T> scaled_;        // [hidden slice][row][gate, or one for all][padded]
  Index scaled_rows_ = 0;          // of one sequence
  std::vector<Barrier> barriers_;  // one per slice of the batch
  History<T> h0_, h_ring_, c_ring_, reset_ring_, m_, projected_;
};

}  // namespace

template <class T>
Work work_of(const PackedWeights<T>& w, const ActiveRows& rows) {
  const int phases = w.plan.phases + (w.has_projection ? 1 : 0);
  return {rows.steps, rows.mean_batch(), w.input_size,       w.hidden_size, w.plan.slots,
          phases,     w.layout.groups,   w.bytes_per_step(), sizeof(T),     0};
}

template <class T>
std::unique_ptr<Pass> make_forward(const PackedWeights<T>& weights,
                                   const ForwardProblem<T>& problem, Saved<T>* saved, int threads) {
  return visit_cell(weights.config, [&](const auto& cell) -> std::unique_ptr<Pass> {
    using Cell = std::decay_t<decltype(cell)>;
    return std::make_unique<ForwardPass<T, Cell>>(cell, weights, problem, saved, threads);
  });
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
