// Several passes in one parallel region, each on one thread: the two directions of a bidirectional
// layer, or stacked layers as a wavefront over pieces of the sequence. A small layer alone does not
// fill a team, because its threads would meet at every step; two layers meet once per piece.
//
//   thread 0   layer 0:  [ 0 ][ 1 ][ 2 ][ 3 ]
//   thread 1   layer 1:       [ 0 ][ 1 ][ 2 ][ 3 ]      piece k waits for piece k of layer 0
//
// Why and when: docs/design/0007. The choice never changes a result.
#pragma once

#include <memory>
#include <vector>

#include "sequence/backward.hpp"
#include "sequence/forward.hpp"

namespace tidegate {

// Chained: each pass reads what the pass before it wrote, from the first step to the last.
enum class Order { kIndependent, kChained };

// The team for which passes together are faster than one after the other on `threads` threads, or 1
// if they are not. A Work for each pass.
int choose_team(const std::vector<Work>& works, Order order, int threads);

// Runs passes made for one thread (backward: for `team` finishers) piece by piece; pass j belongs
// to thread j % team. Right for any team, also one smaller than asked for. Allocates nothing in
// the region.
void run_together(const std::vector<std::unique_ptr<Pass>>& passes, Dims dims, Order order,
                  int team);

template <class T>
struct ForwardCall {
  const PackedWeights<T>* weights;
  ForwardProblem<T> problem;
  Saved<T>* saved;
};
template <class T>
struct BackwardCall {
  const PackedWeights<T>* weights;
  Saved<T>* saved;
  BackwardProblem<T> problem;
};

// Together if team > 1, else one after the other on `threads` threads. Call is one of the above.
template <class Call>
void run_calls(const std::vector<Call>& calls, Order order, int team, int threads);

// Independent calls over as many steps and rows, with the cores divided between calls in flight.
template <class Call>
void run_side_by_side(const std::vector<Call>& calls, int threads);

}  // namespace tidegate
