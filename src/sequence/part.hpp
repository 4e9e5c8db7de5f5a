// What one thread of a team does: rows of the batch, groups of units and of outputs (the elements
// of h, which are the units unless there is a projection), and whom it waits for.
#pragma once

#include <vector>

#include "base/barrier.hpp"
#include "sequence/active_rows.hpp"
#include "sequence/schedule.hpp"

namespace tidegate {

struct Part {
  Range rows, groups, outputs;
  Barrier* barrier;
  int sharers;  // threads on the same rows, this one included
  Index hidden_slice;
  Interruption* interruption;

  void wait() const { barrier->wait(sharers, *interruption); }
};

// `barriers` holds one per slice of the batch.
inline Part make_part(const Schedule& schedule, const ActiveRows& rows, Index groups,
                      Index output_groups, std::vector<Barrier>& barriers, int thread, int team,
                      Interruption& interruption = Interruption::never()) {
  const Schedule::Slices s = schedule.slices_of(thread, team);
  return {rows.slice(s.batch_slices, s.batch_slice),
          even_slice(groups, s.hidden_slices, s.hidden_slice),
          even_slice(output_groups, s.hidden_slices, s.hidden_slice),
          &barriers[static_cast<std::size_t>(s.batch_slice)],
          static_cast<int>(s.hidden_slices),
          s.hidden_slice,
          &interruption};
}

}  // namespace tidegate
