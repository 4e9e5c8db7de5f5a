#include "sequence/packed_weights.hpp"

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

// A cell whose phases end in fewer than three slots needs several blocks to fill a register tile.
bool has_few_slots(const CellPlan& plan) { return plan.slots == 1 || plan.uses_reset_h; }

template <class T>
std::vector<PackedMatrix<T>> empty_terms(const CellPlan& plan, Index hidden_size, Index output_size,
                                         const UnitLayout<T>& layout) {
  std::vector<PackedMatrix<T>> terms;
  for (int t = 0; t < plan.term_count; ++t) {
    const Term& term = plan.terms[t];
    terms.emplace_back(term.operand == Operand::kHPrev ? output_size : hidden_size,
                       layout.group_vectors(term.slots));
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
      input(input_size_, layout.group_vectors(plan.input_slots)),
      terms(empty_terms<T>(plan, hidden_size_, output_size, layout)),
      bias(layout.padded * plan.slots),
      hidden_layout(hidden_layout_of<T>(hidden_size_)),
      output_layout(hidden_layout_of<T>(output_size)),
      input_layout(input_layout_of<T>(input_size_)) {
  if (has_projection) projection.emplace_back(hidden_size, output_layout.group_vectors(1));
}

template <class T>
Index PackedWeights<T>::bytes_per_step() const {
  Index bytes = 0;
  for (const auto& term : terms) bytes += term.bytes();
  for (const auto& matrix : projection) bytes += matrix.bytes();
  return bytes;
}

template <class T>
void PackedWeights<T>::pack(const WeightArrays<T>& arrays, bool for_backward, int threads) {
  if (plan.diagonal_peephole) {
    peephole.resize(plan.peepholes * layout.padded);
    peephole.zero();
    for (Index q = 0; q < plan.peepholes; ++q) {
      std::copy_n(arrays.peephole + q * hidden_size, hidden_size,
                  peephole.data() + q * layout.padded);
    }
  }
  if (for_backward && input_transposed.empty()) {
    input_transposed.emplace_back(plan.input_slots * layout.padded, input_layout.group_vectors(1));
    for (int t = 0; t < plan.term_count; ++t) {
      terms_transposed.emplace_back(plan.terms[t].slots * layout.padded,
                                    operand_layout(plan.terms[t].operand).group_vectors(1));
    }
    if (has_projection) {
      projection_transposed.emplace_back(output_size, hidden_layout.group_vectors(1));
    }
  }
  run_team(threads, [&](int thread, int team) {
    const auto mine = [&](Index n) { return even_slice(n, team, thread); };
    for (Range g = mine(layout.groups); g.begin < g.end; ++g.begin) {
      pack_group(arrays, g.begin);
      pack_bias(arrays, g.begin);
    }
    for (Range g = mine(has_projection ? output_layout.groups : 0); g.begin < g.end; ++g.begin) {
      pack_projection(arrays.weight_hr, g.begin);
    }
    if (!for_backward) return;
    for (Range g = mine(has_projection ? hidden_layout.groups : 0); g.begin < g.end; ++g.begin) {
      pack_projection_transposed(arrays.weight_hr, g.begin);
    }
    for (int t = 0; t < plan.term_count; ++t) {
      const Term& term = plan.terms[t];
      const UnitLayout<T>& columns = operand_layout(term.operand);
      pack_transposed(terms_transposed[static_cast<std::size_t>(t)], columns, mine(columns.groups),
                      term_rows(arrays, term), nullptr, term.slots);
    }
    pack_transposed(input_transposed.front(), input_layout, mine(input_layout.groups),
                    arrays.weight_ih, plan.input_gate, plan.input_slots);
  });
}

// First row of the matrix that a term multiplies.
template <class T>
const T* PackedWeights<T>::term_rows(const WeightArrays<T>& arrays, const Term& term) const {
  const T* matrix = term.matrix == Matrix::kRecurrent ? arrays.weight_hh : arrays.peephole;
  return matrix + term.gate * hidden_size * operand_size(term.operand);
}

template <class T>
void PackedWeights<T>::pack_group(const WeightArrays<T>& arrays, Index group) {
  const Range blocks = layout.blocks_of(group);
  for (Index block = blocks.begin; block < blocks.end; ++block) {
    const Index unit = block * layout.kLanes;
    const Index valid = layout.valid(block);
    const auto vector_of = [&](int slot) {
      return static_cast<int>(slot * blocks.size() + block - blocks.begin);
    };
    for (int slot = 0; slot < plan.input_slots; ++slot) {
      const Index row = plan.input_gate[slot] * hidden_size + unit;
      input.fill(group, vector_of(slot), {0, input_size}, arrays.weight_ih + row * input_size,
                 input_size, 1, valid);
    }
    for (int t = 0; t < plan.term_count; ++t) {
      const Term& term = plan.terms[t];
      const Index width = operand_size(term.operand);
      for (int slot = 0; slot < term.slots; ++slot) {
        const Index row = slot * hidden_size + unit;
        terms[static_cast<std::size_t>(t)].fill(group, vector_of(slot), {0, width},
                                                term_rows(arrays, term) + row * width, width, 1,
                                                valid);
      }
    }
  }
}

// A slot starts from the input bias of the gate it projects and the recurrent bias of the gate
// whose recurrent matrix it takes: both for most, one each for the two halves of a reset-after n.
template <class T>
void PackedWeights<T>::pack_bias(const WeightArrays<T>& arrays, Index group) {
  const Range blocks = layout.blocks_of(group);
  T* to = bias.data() + slot_offset(group);
  std::fill_n(to, plan.slots * blocks.size() * layout.kLanes, T(0));
  const auto add = [&](const T* from, Index gate, Index slot) {
    if (from == nullptr) return;
    for (Index block = blocks.begin; block < blocks.end; ++block) {
      T* lane = to + (slot * blocks.size() + block - blocks.begin) * layout.kLanes;
      for (Index k = 0; k < layout.valid(block); ++k) {
        lane[k] += from[gate * hidden_size + block * layout.kLanes + k];
      }
    }
  };
  for (int slot = 0; slot < plan.input_slots; ++slot) {
    add(arrays.bias_ih, plan.input_gate[slot], slot);
  }
  for (int t = 0; t < plan.term_count; ++t) {
    const Term& term = plan.terms[t];
    if (term.matrix != Matrix::kRecurrent) continue;
    for (int slot = 0; slot < term.slots; ++slot) {
      add(arrays.bias_hh, term.gate + slot, term.slot + slot);
    }
  }
}

// h = W_hr m: K = H, an output per row.
template <class T>
void PackedWeights<T>::pack_projection(const T* weight_hr, Index group) {
  const Range blocks = output_layout.blocks_of(group);
  for (Index block = blocks.begin; block < blocks.end; ++block) {
    projection.front().fill(group, static_cast<int>(block - blocks.begin), {0, hidden_size},
                            weight_hr + block * output_layout.kLanes * hidden_size, hidden_size, 1,
                            output_layout.valid(block));
  }
}

// dm = W_hr^T dh: K = P, an output per column.
template <class T>
void PackedWeights<T>::pack_projection_transposed(const T* weight_hr, Index group) {
  const Range blocks = hidden_layout.blocks_of(group);
  for (Index block = blocks.begin; block < blocks.end; ++block) {
    projection_transposed.front().fill(group, static_cast<int>(block - blocks.begin),
                                       {0, output_size}, weight_hr + block * hidden_layout.kLanes,
                                       1, hidden_size, hidden_layout.valid(block));
  }
}

// to[k = slot*padded + unit][column] = matrix[gates[slot]*H + unit][column]; without gates, the
// slots are consecutive gates from the matrix's first row. A few rows at a time for all columns,
// because a row is contiguous and the next one is a page away.
template <class T>
void PackedWeights<T>::pack_transposed(PackedMatrix<T>& to, const UnitLayout<T>& columns,
                                       Range groups, const T* matrix, const int* gates,
                                       int slots) const {
  constexpr Index kRows = 32;
  for (int slot = 0; slot < slots; ++slot) {
    const Index gate = gates != nullptr ? gates[slot] : slot;
    for (Index unit = 0; unit < layout.padded; unit += kRows) {
      const Index full = std::clamp<Index>(hidden_size - unit, 0, kRows);
      const Index padded = std::min(layout.padded - unit, kRows);
      const T* rows = matrix + (gate * hidden_size + unit) * columns.units;
      const Index k = slot * layout.padded + unit;
      for (Index g = groups.begin; g < groups.end; ++g) {
        const Range blocks = columns.blocks_of(g);
        for (Index block = blocks.begin; block < blocks.end; ++block) {
          const int vector = static_cast<int>(block - blocks.begin);
          to.fill(g, vector, {k, k + full}, rows + block * columns.kLanes, 1, columns.units,
                  columns.valid(block));
          to.fill(g, vector, {k + full, k + padded}, matrix, 1, 0, 0);
        }
      }
    }
  }
}

template class PackedWeights<float>;
template class PackedWeights<double>;

}  // namespace tidegate
