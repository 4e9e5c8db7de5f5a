// The rows that run at each step of a pass: all of them, or those of a ragged batch.
#pragma once

#include "base/aligned_buffer.hpp"
#include "sequence/ragged_batch.hpp"

namespace tidegate {

struct ActiveRows : Dims {
  const RaggedBatch* ragged = nullptr;  // outlives the pass; null where every row runs every step

  ActiveRows() : Dims{0, 0} {}
  ActiveRows(Index steps_, Index batch_) : Dims{steps_, batch_} {}
  ActiveRows(Dims dims) : Dims(dims) {}
  ActiveRows(const RaggedBatch& r) : Dims{r.steps(), r.batch()}, ragged(&r) {}

  Index total() const {
    return ragged != nullptr ? ragged->total() : checked_product(steps, batch);
  }
  Index count(Index s) const { return ragged != nullptr ? ragged->count(s) : batch; }
  Index row(Index s, Index j) const {
    return ragged != nullptr ? ragged->row(s, j) : s * batch + j;
  }
  StepRow at(Index row) const {
    return ragged != nullptr ? ragged->at(row) : StepRow{row / batch, row % batch};
  }
  // The rows before and after it.
  StepRow before(StepRow row) const {
    if (row.j > 0) return {row.s, row.j - 1};
    return {row.s - 1, row.s > 0 ? count(row.s - 1) - 1 : 0};
  }
  StepRow after(StepRow row) const {
    return row.j + 1 < count(row.s) ? StepRow{row.s, row.j + 1} : StepRow{row.s + 1, 0};
  }
  Index batch_of(Index j) const { return ragged != nullptr ? ragged->batch_of(j) : j; }
  Index length(Index j) const { return ragged != nullptr ? ragged->length(j) : steps; }
  Range slice(Index parts, Index part) const {
    return ragged != nullptr ? ragged->slice(parts, part) : even_slice(batch, parts, part);
  }
  // Those of `rows` that run at step s.
  Range active(Range rows, Index s) const {
    const Index end = ragged != nullptr ? ragged->count(s) : batch;
    return {rows.begin, rows.end < end ? rows.end : rows.begin < end ? end : rows.begin};
  }
  // Of a step on average: what the cost model needs.
  Index mean_batch() const { return steps == 0 ? batch : ceil_div(total(), steps); }
};

}  // namespace tidegate
