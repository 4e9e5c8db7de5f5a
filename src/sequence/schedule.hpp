// How one call is divided: threads, slices of the batch, slices of the hidden units, and the chunk of
// steps whose input projection is computed at once. The choice never changes a result.
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
};

struct Schedule {
  int threads;
  Index chunk;         // steps
  Index batch_slices;  // for `threads` threads; grid() divides any other count
  Index groups;
  Index batch;
  bool prefer_batch;

  // A thread's part: rows of the batch, and which of how many hidden slices.
  struct Part {
    Index batch_slice, batch_slices;
    Index hidden_slice, hidden_slices;
  };
  Part part_of(int thread, int team) const;
};

Schedule choose_schedule(const Work& work, int max_threads);

}  // namespace tidegate
