// The products over K = all rows of all steps that follow the backward time loop, from the last row
// to the first, the order in which the time loop finishes steps. Slots that meet the same operands
// form a run; one product finishes a run's rows of every matrix and bias, which is the weight of an
// input that is always one:
//
//   slots of a run, e.g. r z   x   columns [ x | h_prev | 1 ]   ->   rows r z of [ dW | dR | db ]
//
// A projection is one more run: dh x [ m ] -> dW_hr.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include "gemm/outer_product.hpp"
#include "sequence/backward.hpp"

namespace tidegate {

// All weight gradients, or what `saved` adds to them, where the chain of every element begins at
// what its array holds. `saved` holds da; every thread of the team calls run() once.
template <class T>
class WeightGradientPass {
 public:
  WeightGradientPass(const PackedWeights<T>& weights, Saved<T>& saved,
                     const WeightGradients<T>& out, bool accumulate, int threads)
      : w_(weights),
        saved_(saved),
        out_(out),
        accumulate_(accumulate),
        interruption_(Interruption::current()) {
    if (weights.config.layer_norm) {  // each kind of columns has gradients of its own
      add_runs_of_slots({Column::kInput}, saved.dproduct_ih());
      add_runs_of_slots({Column::kTerm}, saved.dproduct_hh());
      add_runs_of_slots({Column::kOne}, 0);
    } else {
      add_runs_of_slots({Column::kInput, Column::kTerm, Column::kOne}, 0);
    }
    if (out.weight_hr != nullptr) runs_.push_back(run_of_projection());
    Index panels = 1, columns = 1;
    for (const Run& run : runs_) {
      panels = std::max(panels, ceil_div(run.vectors(), kMaxVectors));
      columns = std::max(columns, run.columns);
    }
    saved_.products.resize(std::max(saved_.products.size(), static_cast<std::size_t>(threads)));
    for (OuterProduct<T>& product : saved_.products) {
      product.reserve(saved_.rows.total(), ceil_div(panels, threads), columns);
    }
  }

  void run(int thread, int team) noexcept {
    for (const Run& run : runs_) run_slots(run, thread, team);
    if (w_.plan.diagonal_peephole && out_.peephole != nullptr) diagonal_gradient(thread, team);
  }

 private:
  enum class Column { kInput, kTerm, kOne, kM };
  // The columns that one operand takes in a run's product, and where they go: the row of gate g and
  // unit u is at (g*H + u) * columns.size().
  struct Factor {
    Column kind;
    const Term* term;  // of kTerm, and of kOne for a recurrent bias
    Range columns;
    T* to;
  };
  struct Run {
    const UnitLayout<T>* layout;  // of each slot
    Index da_at;                  // where the first slot's gradient begins in a row of gates
    int slot, slots;
    std::vector<Factor> factors;
    Index columns;

    Index vectors() const { return slots * layout->blocks; }
  };

  // Runs of columns of these kinds, where the gradients of all slots begin at `da_at`.
  void add_runs_of_slots(std::initializer_list<Column> kinds, Index da_at) {
    const std::size_t first = runs_.size();
    for (int slot = 0; slot < w_.plan.slots; ++slot) {
      std::vector<Factor> factors = factors_of(slot, kinds);
      if (factors.empty()) continue;
      if (runs_.size() > first && runs_.back().slot + runs_.back().slots == slot &&
          same(runs_.back().factors, factors) && !has_own_scale(factors)) {
        ++runs_.back().slots;
      } else {
        const Index columns = factors.back().columns.end;
        const Index at = da_at + slot * w_.layout.padded;
        runs_.push_back({&w_.layout, at, slot, 1, std::move(factors), columns});
      }
    }
  }

  Run run_of_projection() const {
    const Index at = saved_.dh(0, 0) - saved_.gate_row(0, 0), units = w_.hidden_size;
    return {
        &w_.output_layout, at, 0, 1, {{Column::kM, nullptr, {0, units}, out_.weight_hr}}, units};
  }

  static bool same(const std::vector<Factor>& a, const std::vector<Factor>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Factor& p, const Factor& q) {
      return p.to == q.to && p.term == q.term;
    });
  }

  // Slots whose h_prev is scaled gate by gate have different operands.
  bool has_own_scale(const std::vector<Factor>& factors) const {
    return saved_.factors.per_gate() &&
           std::any_of(factors.begin(), factors.end(), [](const Factor& factor) {
             return factor.kind == Column::kTerm && factor.term->operand == Operand::kHPrev;
           });
  }

  std::vector<Factor> factors_of(int slot, std::initializer_list<Column> kinds) const {
    std::vector<Factor> factors;
    const auto add = [&](Column kind, const Term* term, Index columns, T* to) {
      if (to == nullptr || std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) return;
      const Index begin = factors.empty() ? 0 : factors.back().columns.end;
      factors.push_back({kind, term, {begin, begin + columns}, to});
    };
    if (slot < w_.plan.input_slots) {
      add(Column::kInput, nullptr, w_.input_size, out_.weight_ih);
      add(Column::kOne, nullptr, 1, out_.bias_ih);
    }
    for (int t = 0; t < w_.plan.term_count; ++t) {
      const Term& term = w_.plan.terms[t];
      if (slot < term.slot || slot >= term.slot + term.slots) continue;
      const auto [matrix, bias] = gradients_of(term.matrix);
      add(Column::kTerm, &term, w_.operand_size(term.operand), matrix);
      add(Column::kOne, &term, 1, bias);
    }
    return factors;
  }

  // Of a term's matrix, and of the bias that starts the slots it adds to.
  std::pair<T*, T*> gradients_of(Matrix matrix) const {
    if (matrix == Matrix::kMemory) return {out_.weight_cc, out_.bias_cc};
    if (matrix == Matrix::kPeephole) return {out_.peephole, nullptr};
    return {out_.weight_hh, out_.bias_hh};
  }

  void run_slots(const Run& run, int thread, int team) {
    const Index vectors = run.vectors(), last = saved_.rows.total() - 1;
    const Range panels = even_slice(ceil_div(vectors, kMaxVectors), team, thread);
    OuterProduct<T>& product = saved_.products[static_cast<std::size_t>(thread)];
    for (Index p = panels.begin; p < panels.end; p += product.capacity()) {
      if (interruption_.raised()) return;
      const Index first = p * kMaxVectors;
      const Index end = std::min(panels.end, p + product.capacity()) * kMaxVectors;
      const Index count = std::min(vectors, end) - first;
      const T* da = saved_.gate_row(last) + run.da_at + first * Lane<T>::kSize;
      const VectorRows<T> rows{da, -saved_.row_size(), count};
      StepRow row = saved_.rows.at(last);
      const auto columns = [&](Index, T* to) {
        gather(run, row, to);
        row = saved_.rows.before(row);
      };
      if (accumulate_) {
        product.run_from(
            last + 1, rows, run.columns, columns,
            [&](Index v) { read(run, product, first + v, v); }, interruption_);
      } else {
        product.run(last + 1, rows, run.columns, columns, interruption_);
      }
      for (Index v = 0; v < count; ++v) write(run, product, first + v, v);
    }
  }

  // Copies the columns of a row.
  void gather(const Run& run, StepRow step_row, T* to) const {
    const auto [t, b] = step_row;
    for (const Factor& factor : run.factors) {
      T* const columns = to + factor.columns.begin;
      if (factor.kind == Column::kOne) {
        *columns = T(1);
        continue;
      }
      const T* row = row_of(factor, t, b);
      if (factor.kind == Column::kTerm && factor.term->operand == Operand::kHPrev &&
          saved_.factors.scale) {
        const Index gate = factor.term->gate + run.slot - factor.term->slot;
        const T* scale = saved_.factors.scale_at(t, b, gate);
        for (Index k = 0; k < factor.columns.size(); ++k) columns[k] = scale[k] * row[k];
        continue;
      }
      copy_row(row, factor.columns.size(), columns);
    }
  }

  const T* row_of(const Factor& factor, Index t, Index b) const {
    if (factor.kind == Column::kInput) return saved_.x.at(t, b);
    if (factor.kind == Column::kM) return saved_.m(t, b);
    return operand_row(saved_, factor.term->operand, t, b);
  }

  // Writes vector `swept` of the last sweep, vector `vector` of the run, to where its units belong.
  void write(const Run& run, const OuterProduct<T>& product, Index vector, Index swept) const {
    for_rows(run, vector, [&](Index valid, Range columns, T* to) {
      product.write_rows(swept, valid, columns, to);
    });
  }
  void read(const Run& run, OuterProduct<T>& product, Index vector, Index swept) const {
    for_rows(run, vector, [&](Index valid, Range columns, const T* from) {
      product.read_rows(swept, valid, columns, from);
    });
  }

  // Calls f(valid, columns, rows) with the rows of every array that a vector of the run belongs to.
  template <class F>
  void for_rows(const Run& run, Index vector, const F& f) const {
    const int slot = run.slot + static_cast<int>(vector / run.layout->blocks);
    const Index block = vector % run.layout->blocks, valid = run.layout->valid(block);
    for (const Factor& factor : run.factors) {
      const Index gate = gate_of(factor, slot);
      const Index row = gate * w_.hidden_size + block * Lane<T>::kSize;
      f(valid, factor.columns, factor.to + row * factor.columns.size());
    }
  }

  // The rows of a factor's matrix: those of which gate take this slot.
  int gate_of(const Factor& factor, int slot) const {
    if (factor.kind == Column::kM) return 0;
    return factor.term == nullptr ? w_.plan.input_gate[slot]
                                  : factor.term->gate + slot - factor.term->slot;
  }

  // dP_q = sum da_q∘c_prev; the last, of the output gate in the last slot, takes c.
  void diagonal_gradient(int thread, int team) {
    using V = Lane<T>;
    const Range blocks = even_slice(w_.layout.blocks, team, thread);
    const Index last = w_.plan.peepholes - 1;
    for (Index block = blocks.begin; block < blocks.end; ++block) {
      const Index unit = block * V::kSize;
      V sum[3] = {V(T(0)), V(T(0)), V(T(0))};
      const auto rows_of = [&](Index q) { return out_.peephole + q * w_.hidden_size + unit; };
      for (Index q = 0; accumulate_ && q <= last; ++q) {
        sum[q] = V::load_partial(rows_of(q), w_.layout.valid(block));
      }
      for (Index t = saved_.rows.steps; t-- > 0;) {
        for (Index b = saved_.rows.count(t); b-- > 0;) {
          const T* da = saved_.gate_row(t, b) + unit;
          for (Index q = 0; q <= last; ++q) {
            const Index slot = q == last ? w_.plan.slots - 1 : q;
            const V c = V::load(saved_.c.at(q == last ? t + 1 : t, b) + unit);
            sum[q] = multiply_add(V::load(da + slot * w_.layout.padded), c, sum[q]);
          }
        }
      }
      for (Index q = 0; q <= last; ++q) {
        sum[q].store_partial(rows_of(q), w_.layout.valid(block));
      }
    }
  }

  const PackedWeights<T>& w_;
  Saved<T>& saved_;
  const WeightGradients<T> out_;
  const bool accumulate_;
  Interruption& interruption_;
  std::vector<Run> runs_;
};

}  // namespace tidegate
