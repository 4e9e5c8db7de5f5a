// d_operand += matrix^T da, step by step backward: what every term of a cell sends to the rows that
// it multiplied. Where R multiplied scale∘h_prev, the gradients by that pass the scale first.
#pragma once

#include <algorithm>

#include "sequence/backward.hpp"

namespace tidegate {

template <class T, class Cell>
class OperandGradients {
  using V = Lane<T>;

 public:
  // `dscale` takes the gradient by the scale; or null.
  OperandGradients(const PackedWeights<T>& weights, const Saved<T>& saved,
                   const SequenceView<T>& dscale)
      : w_(weights),
        saved_(saved),
        dscale_(dscale),
        zeros_(std::max(weights.hidden_layout.padded, weights.output_layout.padded)) {
    zeros_.zero();
    if (!saved.factors.scale) return;
    dh_in_.hold_last(saved.rows.batch, weights.output_layout.padded);
    if (saved.factors.per_gate()) {
      dgate_.hold_last(saved.rows.batch, weights.output_layout.padded);
    }
  }

  // Of the scaled h_prev, where there is a scale: what else flows into it, besides the terms.
  History<T>& dh_in() { return dh_in_; }
  const T* zeros() const { return zeros_.data(); }  // a row of them

  // dh += R^T da_t, what step t sends to the state before it. `groups` are of its units here and
  // below.
  void add_to_h_prev(Range rows, Range groups, Index t, History<T>& dh) {
    for (int k = 0; k < Cell::kTermCount; ++k) {
      if (Cell::kTerms[k].operand != Operand::kHPrev) continue;
      if (saved_.factors.scale) {
        add_scaled_term(rows, groups, k, t, dh);
      } else {
        add_slots(rows, groups, k, all_slots(k), t, dh, false);
      }
    }
  }

  // to (+)= matrix^T da_t of every term with this operand
  void add_to(Operand operand, Range rows, Range groups, Index t, History<T>& to, bool from_zero) {
    for (int k = 0; k < Cell::kTermCount; ++k) {
      if (Cell::kTerms[k].operand != operand) continue;
      add_slots(rows, groups, k, all_slots(k), t, to, from_zero);
    }
  }

 private:
  static Range all_slots(int k) { return {0, Cell::kTerms[k].slots}; }

  // to (+)= matrix^T da_t of some of a term's slots
  void add_slots(Range all_rows, Range groups, int k, Range slots, Index t, History<T>& to,
                 bool from_zero) {
    const Range rows = saved_.rows.active(all_rows, t);
    if (rows.size() == 0) return;
    const Index slots_at =
        saved_.dproduct_hh() + (Cell::kTerms[k].slot + slots.begin) * w_.layout.padded;
    const OperandRows<T> da(saved_.gate_row(t, rows.begin) + slots_at, saved_.row_size());
    const UnitLayout<T>& columns = w_.operand_layout(Cell::kTerms[k].operand);
    T* out = to.at(0, rows.begin) + columns.blocks_of(groups).begin * V::kSize;
    w_.terms_transposed[static_cast<std::size_t>(k)].multiply_pieces(
        groups, slots, rows.size(), da,
        {from_zero ? zeros() : out, from_zero ? 0 : columns.padded, out, columns.padded});
  }

  // dh += scale_t∘(R^T da_t + what else step t left for its scaled h_prev)
  void add_scaled_term(Range rows, Range groups, int k, Index t, History<T>& dh) {
    const Term& term = Cell::kTerms[k];
    if (!saved_.factors.per_gate()) {
      add_slots(rows, groups, k, all_slots(k), t, dh_in_, false);
      add_scaled(rows, groups, t, 0, dh_in_, dh);
      return;
    }
    for (int slot = 0; slot < term.slots; ++slot) {
      add_slots(rows, groups, k, {slot, slot + 1}, t, dgate_, true);
      add_scaled(rows, groups, t, term.gate + slot, dgate_, dh);
    }
    if constexpr (Cell::kUsesResetH) {
      add_scaled(rows, groups, t, Cell::kTerms[Cell::kTermCount - 1].gate, dh_in_, dh);
    }
  }

  // dh += scale_t∘from; the gradient by the scale is h_prev∘from.
  void add_scaled(Range all_rows, Range groups, Index t, Index gate, const History<T>& from,
                  History<T>& to) {
    const Range blocks = w_.output_layout.blocks_of(groups);
    const Range rows = saved_.rows.active(all_rows, t);
    for (Index b = rows.begin; b < rows.end; ++b) {
      for (Index block = blocks.begin; block < blocks.end; ++block) {
        const Index unit = block * V::kSize, valid = w_.output_layout.valid(block);
        const V scale = V::load_partial(saved_.factors.scale_at(t, b, gate) + unit, valid);
        const V dh_in = V::load(from.at(0, b) + unit);
        T* dh = to.at(0, b) + unit;
        multiply_add(scale, dh_in, V::load(dh)).store(dh);
        if (!dscale_) continue;
        const V h_prev = V::load_partial(saved_.h_prev(t, b) + unit, valid);
        (h_prev * dh_in).store_partial(dscale_.at(t, b) + unit, valid);
      }
    }
  }

  const PackedWeights<T>& w_;
  const Saved<T>& saved_;
  const SequenceView<T> dscale_;
  History<T> dh_in_, dgate_;  // gradients by the scaled h_prev: all, and of one gate
  AlignedBuffer<T> zeros_;
};

}  // namespace tidegate
