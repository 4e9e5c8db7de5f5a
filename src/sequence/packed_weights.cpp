#include "sequence/packed_weights.hpp"

#include <algorithm>

#include "base/team.hpp"

namespace tidegate {

CellPlan plan_of(const CellConfig& config) {
  return visit_cell(config, [](const auto& cell) {
    using Cell = std::decay_t<decltype(cell)>;
    return CellPlan{Cell::kGates,      Cell::kSlots,     Cell::kStates,    Cell::kPhases,
                    Cell::kInputSlots, Cell::kTermCount, Cell::kInputGate, Cell::kTerms,
                    Cell::kUsesResetH, Cell::kDiagonal,  Cell::kPeepholes};
  });
}

namespace {

// Products of fewer than three slots need several blocks to fill a register tile.
bool has_few_slots(const CellPlan& plan) {
  return std::any_of(plan.terms, plan.terms + plan.term_count,
                     [](const Term& term) { return term.slots < 3; });
}

// The rows gate_of(slot)*H + unit of a matrix of `columns`, all slots of a group's units together.
template <class T, class GateOf>
MatrixPlan rows_plan(const UnitLayout<T>& layout, int slots, const GateOf& gate_of, Index columns) {
  checked_product(slots, layout.padded, columns);  // the offsets below fit
  MatrixPlan plan{1, columns, columns, true, columns, {}};
  for (Index g = 0; g < layout.groups; ++g) {
    const Range blocks = layout.blocks_of(g);
    auto& group = plan.groups.emplace_back();
    for (int slot = 0; slot < slots; ++slot) {
      for (Index block = blocks.begin; block < blocks.end; ++block) {
        const Index row = gate_of(slot) * layout.units + block * layout.kLanes;
        group.push_back({row * columns, layout.valid(block)});
      }
    }
  }
  return plan;
}

// The transpose: k is [slot][padded units], outputs are the matrix's columns.
template <class T>
MatrixPlan columns_plan(const UnitLayout<T>& columns, int slots, const UnitLayout<T>& units) {
  MatrixPlan plan{slots, units.units, units.padded, false, columns.units, {}};
  for (Index g = 0; g < columns.groups; ++g) {
    const Range blocks = columns.blocks_of(g);
    auto& group = plan.groups.emplace_back();
    for (Index block = blocks.begin; block < blocks.end; ++block) {
      group.push_back({block * columns.kLanes, columns.valid(block)});
    }
  }
  return plan;
}

template <class T>
std::vector<WeightMatrix<T>> matrices_of_terms(const CellPlan& plan, const UnitLayout<T>& layout,
                                               Index output_size) {
  std::vector<WeightMatrix<T>> terms;
  for (int t = 0; t < plan.term_count; ++t) {
    const Term& term = plan.terms[t];
    const auto gate_of = [](int slot) { return slot; };  // from the term's first row
    const Index columns = term.operand == Operand::kHPrev ? output_size : layout.units;
    terms.emplace_back(rows_plan(layout, term.slots, gate_of, columns));
  }
  return terms;
}

template <class T>
std::vector<WeightMatrix<T>> transposes_of_terms(const CellPlan& plan, const UnitLayout<T>& units,
                                                 const UnitLayout<T>& hidden,
                                                 const UnitLayout<T>& output) {
  std::vector<WeightMatrix<T>> terms;
  for (int t = 0; t < plan.term_count; ++t) {
    const UnitLayout<T>& columns = plan.terms[t].operand == Operand::kHPrev ? output : hidden;
    terms.emplace_back(columns_plan(columns, plan.terms[t].slots, units));
  }
  return terms;
}

}  // namespace

template <class T>
PackedWeights<T>::PackedWeights(const CellConfig& config_, Index input_size_, Index hidden_size_,
                                Index output_size_)
    : config(config_),
      plan(plan_of(config_)),
      input_size(input_size_),
      hidden_size(hidden_size_),
      has_projection(output_size_ > 0),
      output_size(has_projection ? output_size_ : hidden_size_),
      layout(forward_layout<T>(hidden_size_, has_few_slots(plan))),
      input(rows_plan(
          layout, plan.input_slots, [this](int slot) { return plan.input_gate[slot]; },
          input_size_)),
      terms(matrices_of_terms(plan, layout, output_size)),
      bias(layout.padded * plan.slots),
      hidden_layout(hidden_layout_of<T>(hidden_size_)),
      output_layout(hidden_layout_of<T>(output_size)),
      input_layout(input_layout_of<T>(input_size_)),
      input_transposed(columns_plan(input_layout, plan.input_slots, layout)),
      terms_transposed(transposes_of_terms(plan, layout, hidden_layout, output_layout)) {
  if (!has_projection) return;
  const auto first = [](int) { return 0; };
  projection.emplace_back(rows_plan(output_layout, 1, first, hidden_size));
  MatrixPlan transposed = columns_plan(hidden_layout, 1, output_layout);
  transposed.padded = output_size;  // nobody keeps the padding of dh at zero
  projection_transposed.emplace_back(transposed);
}

template <class T>
Index PackedWeights<T>::bytes_per_step() const {
  Index bytes = 0;
  for (const auto& term : terms) bytes += term.bytes();
  for (const auto& matrix : projection) bytes += matrix.bytes();
  return bytes;
}

template <class T>
void PackedWeights<T>::read_from(const WeightArrays<T>& arrays) {
  if (plan.diagonal_peephole) {
    peephole.resize(plan.peepholes * layout.padded);
    peephole.zero();
    for (Index q = 0; q < plan.peepholes; ++q) {
      std::copy_n(arrays.peephole + q * hidden_size, hidden_size,
                  peephole.data() + q * layout.padded);
    }
  }
  bias.zero();
  std::vector<const T*> gates;
  for (int slot = 0; slot < plan.input_slots; ++slot) {
    add_bias(arrays.bias_ih, plan.input_gate[slot], slot);
    gates.push_back(arrays.weight_ih + plan.input_gate[slot] * hidden_size * input_size);
  }
  input.read_from({arrays.weight_ih});
  input_transposed.read_from(gates);
  for (std::size_t t = 0; t < terms.size(); ++t) {
    const Term& term = plan.terms[t];
    gates.clear();
    for (int slot = 0; slot < term.slots; ++slot) {
      if (term.matrix == Matrix::kRecurrent) {
        add_bias(arrays.bias_hh, term.gate + slot, term.slot + slot);
      } else if (term.matrix == Matrix::kMemory) {
        add_bias(arrays.bias_cc, term.gate + slot, term.slot + slot);
      }
      gates.push_back(term_rows(arrays, term) + slot * hidden_size * operand_size(term.operand));
    }
    terms[t].read_from({gates.front()});
    terms_transposed[t].read_from(gates);
  }
  if (config.layer_norm) read_norm_from(arrays);
  for (auto& matrix : projection) matrix.read_from({arrays.weight_hr});
  for (auto& matrix : projection_transposed) matrix.read_from({arrays.weight_hr});
}

template <class T>
void PackedWeights<T>::pack(const Packing& wanted, int threads) {
  std::vector<WeightMatrix<T>*> missing;
  const auto add = [&](bool is_wanted, WeightMatrix<T>& matrix) {
    if (!is_wanted || matrix.packed()) return;
    matrix.start_packing();
    missing.push_back(&matrix);
  };
  add(wanted.input, input);
  for (auto& term : terms) add(wanted.terms, term);
  for (auto& term : terms_transposed) add(wanted.terms_transposed, term);
  for (auto& matrix : projection) add(wanted.terms, matrix);
  for (auto& matrix : projection_transposed) add(wanted.terms_transposed, matrix);
  add(wanted.input_transposed, input_transposed);
  if (missing.empty()) return;
  run_team(threads, [&](int thread, int team) {
    for (WeightMatrix<T>* matrix : missing) {
      matrix->pack(even_slice(matrix->groups(), team, thread));
    }
  });
}

// First row of the matrix that a term multiplies.
template <class T>
const T* PackedWeights<T>::term_rows(const WeightArrays<T>& arrays, const Term& term) const {
  const T* const matrices[] = {arrays.weight_hh, arrays.peephole, arrays.weight_cc};
  const T* matrix = matrices[static_cast<std::size_t>(term.matrix)];
  return matrix + term.gate * hidden_size * operand_size(term.operand);
}

// Biases come after the gains, so products start from zero.
template <class T>
void PackedWeights<T>::read_norm_from(const WeightArrays<T>& arrays) {
  bias.zero();
  const auto room = [&](AlignedBuffer<T>& buffer, Index slots) {
    buffer.resize(slots * layout.padded);
    buffer.zero();
  };
  const auto add = [&](const T* from, Index gate, AlignedBuffer<T>& to, Index slot) {
    if (from == nullptr) return;
    T* row = to.data() + slot * layout.padded;
    for (Index unit = 0; unit < hidden_size; ++unit) row[unit] += from[gate * hidden_size + unit];
  };
  for (AlignedBuffer<T>* buffer : {&norm.gamma_ih, &norm.gamma_hh, &norm.bias}) {
    room(*buffer, plan.slots);
  }
  for (int slot = 0; slot < plan.input_slots; ++slot) {
    add(arrays.gamma_ih, plan.input_gate[slot], norm.gamma_ih, slot);
    add(arrays.bias_ih, plan.input_gate[slot], norm.bias, slot);
  }
  const Term& term = plan.terms[0];
  for (int slot = 0; slot < term.slots; ++slot) {
    add(arrays.gamma_hh, term.gate + slot, norm.gamma_hh, term.slot + slot);
    add(arrays.bias_hh, term.gate + slot, norm.bias, term.slot + slot);
  }
  if (plan.states < 2) return;
  room(norm.gamma_c, 1);
  room(norm.beta_c, 1);
  add(arrays.gamma_c, 0, norm.gamma_c, 0);
  add(arrays.beta_c, 0, norm.beta_c, 0);
}

// A slot starts from the input bias of the gate it projects and the recurrent bias of the gate
// whose recurrent matrix it takes: both for most, one each for the two halves of a reset-after n.
template <class T>
void PackedWeights<T>::add_bias(const T* from, Index gate, Index slot) {
  if (from == nullptr) return;
  for (Index group = 0; group < layout.groups; ++group) {
    const Range blocks = layout.blocks_of(group);
    for (Index block = blocks.begin; block < blocks.end; ++block) {
      T* lane = bias.data() + slot_offset(group) +
                (slot * blocks.size() + block - blocks.begin) * layout.kLanes;
      for (Index k = 0; k < layout.valid(block); ++k) {
        lane[k] += from[gate * hidden_size + block * layout.kLanes + k];
      }
    }
  }
}

template class PackedWeights<float>;
template class PackedWeights<double>;

}  // namespace tidegate
