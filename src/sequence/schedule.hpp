// How one call is divided: threads, slices of the batch, slices of the hidden units, and the chunk
// of steps whose input projection is computed at once. The choice never changes a result.
#pragma once

#include "base/index.hpp"

namespace tidegate {

// What the cost model needs to know of a call.
struct Work {
  Index steps, batch, input_size, hidden_size;
  Index slots, phases;
  Index groups;           // of hidden units: the most hidden slices
  Index recurrent_bytes;  // of packed weights read at every step
  Index element_bytes;
  Index gradient_bytes;  // of the weights, which the backward pass writes after its steps; or 0
};

struct Schedule {
  int threads;          // the most that are worth forming a team of
  Index chunk;          // steps
  Index groups, batch;  // what there is to divide
  bool prefer_batch;    // slices of the batch need no barrier

  // A thread's place in the grid of slices; any team size has one.
  struct Slices {
    Index batch_slice, batch_slices;
    Index hidden_slice, hidden_slices;
  };
  Slices slices_of(int thread, int team) const;
};

// The schedule of the least estimated time on at most `max_threads` threads.
Schedule choose_schedule(const Work& work, int max_threads);

// A schedule of `threads` threads that prefers one kind of slices, with the chunk that suits it.
Schedule make_schedule(const Work& work, int threads, bool prefer_batch);

// Time by the cost model; the steps of the backward pass weigh like those of the forward pass.
double estimated_ns(const Work& work, const Schedule& schedule);

// While it lives, choose_schedule() on this thread answers `schedule`: for measuring alternatives.
class ScheduleOverride {
 public:
  explicit ScheduleOverride(const Schedule& schedule);
  ~ScheduleOverride();
  ScheduleOverride(const ScheduleOverride&) = delete;
  ScheduleOverride& operator=(const ScheduleOverride&) = delete;
};

}  // namespace tidegate
