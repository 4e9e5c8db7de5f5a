// One pass of one layer over its T steps, forward or backward, with its workspace.
#pragma once

#include "sequence/schedule.hpp"

namespace tidegate {

class Pass {
 public:
  virtual ~Pass() = default;

  // All of it, on at most `threads` threads. Allocates nothing.
  virtual void run(int threads) = 0;

  // Or piece by piece: one thread runs consecutive ranges of 0..T, which count in the order of the
  // pass (backward, 0 is the last step). Then, when every pass of the team is through, each of its
  // threads calls finish() once.
  virtual void run_piece(Range steps) noexcept = 0;
  virtual void finish(int thread, int team) noexcept = 0;
};

}  // namespace tidegate
