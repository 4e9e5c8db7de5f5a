// The products over K = T*B that follow the backward time loop: one per matrix of the cell's plan.
#pragma once

#include "gemm/outer_product.hpp"
#include "sequence/backward.hpp"

namespace tidegate {

// One thread's share of all weight gradients. `saved` holds da; every thread calls run() once.
template <class T>
class WeightGradientPass {
 public:
  WeightGradientPass(const PackedWeights<T>& weights, Saved<T>& saved,
                     const WeightGradients<T>& out)
      : w_(weights), saved_(saved), out_(out), product_(std::max(w_.input_size, w_.hidden_size)) {}

  void run(int thread, int team) noexcept {
    input_gradient(thread, team);
    for (int t = 0; t < w_.plan.term_count; ++t) term_gradient(w_.plan.terms[t], thread, team);
    if (w_.plan.diagonal_peephole && out_.peephole != nullptr) diagonal_gradient(thread, team);
  }

 private:
  // Where the rows of a product's slots go; either may be null.
  struct Target {
    T* matrix;  // (gates*H, columns)
    T* bias;    // (gates*H,)
    Index columns;
    int first_slot, slots;
    const int* gate_of_slot;  // null: consecutive from first_gate
    int first_gate;
  };

  void input_gradient(int thread, int team) {
    const auto row = [this](Index t, Index b) { return saved_.x.at(t, b); };
    product({out_.weight_ih, out_.bias_ih, w_.input_size, 0, w_.plan.input_slots,
             w_.plan.input_gate, 0},
            row, thread, team);
  }

  void term_gradient(const Term& term, int thread, int team) {
    const Index h = w_.hidden_size;
    const bool recurrent = term.matrix == Matrix::kRecurrent;
    T* matrix = recurrent ? out_.weight_hh : out_.peephole;
    // Peephole rows count from i, whatever slots they add to.
    if (matrix != nullptr && !recurrent) matrix += term.gate * h * h;
    const Target target{matrix,  recurrent ? out_.bias_hh : nullptr, h, term.slot, term.slots,
                        nullptr, recurrent ? term.gate : 0};
    const auto row = [this, &term](Index t, Index b) { return operand_row(term.operand, t, b); };
    product(target, row, thread, team);
  }

  const T* operand_row(Operand operand, Index t, Index b) const {
    switch (operand) {
      case Operand::kCPrev:
        return saved_.c.at(t, b);
      case Operand::kC:
        return saved_.c.at(t + 1, b);
      case Operand::kResetH:
        return saved_.reset_h.at(t, b);
      case Operand::kHPrev:
        break;
    }
    return saved_.h_prev(t, b);
  }

  template <class OperandRow>
  void product(const Target& target, const OperandRow& operand_row, int thread, int team) {
    if (target.matrix == nullptr && target.bias == nullptr) return;
    const Index lanes = Lane<T>::kSize, batch = saved_.dims.batch;
    const Index vectors = target.slots * w_.layout.blocks;
    const Range panels = even_slice(ceil_div(vectors, kMaxVectors), team, thread);
    for (Index p = panels.begin; p < panels.end; ++p) {
      const Index first = p * kMaxVectors;
      const int count = static_cast<int>(std::min<Index>(kMaxVectors, vectors - first));
      const Index element = target.first_slot * w_.layout.padded + first * lanes;
      product_.run(
          saved_.dims.steps * batch,
          [&](Index r) { return saved_.gate_row(r / batch, r % batch) + element; }, count,
          [&](Index r) { return operand_row(r / batch, r % batch); },
          target.matrix != nullptr ? target.columns : 0);
      write(target, first * lanes, count);
    }
  }

  // Copies the vectors from element `begin` of the target's slots on, leaving out the padding.
  void write(const Target& target, Index begin, int vectors) const {
    for (int v = 0; v < vectors; ++v) {
      const Index element = begin + v * Lane<T>::kSize;
      const Index slot = element / w_.layout.padded, unit = element % w_.layout.padded;
      const Index valid = w_.layout.valid(unit / Lane<T>::kSize);
      const Index gate =
          target.gate_of_slot != nullptr ? target.gate_of_slot[slot] : target.first_gate + slot;
      const Index row = gate * w_.hidden_size + unit;
      if (target.matrix != nullptr) {
        product_.copy_rows(v, valid, target.columns, target.matrix + row * target.columns);
      }
      if (target.bias != nullptr) product_.copy_sums(v, valid, target.bias + row);
    }
  }

  // dP_i = sum da_i∘c_prev, dP_f = sum da_f∘c_prev, dP_o = sum da_o∘c
  void diagonal_gradient(int thread, int team) {
    using V = Lane<T>;
    constexpr Index kSlotOf[] = {0, 1, 3};
    const Range blocks = even_slice(w_.layout.blocks, team, thread);
    for (Index block = blocks.begin; block < blocks.end; ++block) {
      const Index unit = block * V::kSize;
      V sum[3] = {V(T(0)), V(T(0)), V(T(0))};
      for (Index t = 0; t < saved_.dims.steps; ++t) {
        for (Index b = 0; b < saved_.dims.batch; ++b) {
          const T* da = saved_.gate_row(t, b) + unit;
          for (Index q = 0; q < 3; ++q) {
            const V c = V::load(saved_.c.at(q == 2 ? t + 1 : t, b) + unit);
            sum[q] = multiply_add(V::load(da + kSlotOf[q] * w_.layout.padded), c, sum[q]);
          }
        }
      }
      for (Index q = 0; q < 3; ++q) {
        sum[q].store_partial(out_.peephole + q * w_.hidden_size + unit, w_.layout.valid(block));
      }
    }
  }

  const PackedWeights<T>& w_;
  Saved<T>& saved_;
  const WeightGradients<T> out_;
  OuterProduct<T> product_;
};

}  // namespace tidegate
