#include "sequence/together.hpp"

#include <algorithm>

#include "base/barrier.hpp"
#include "base/call_in_flight.hpp"
#include "base/team.hpp"
#include "sequence/progress.hpp"

namespace tidegate {
namespace {

constexpr Index kPieceRows = 8;  // rows of a piece, at least: its projection reads all weights
constexpr Index kMostPieces = 32;
constexpr double kForkNs = 2000;      // one region; that of schedule.cpp has a larger margin
constexpr double kWorthwhile = 0.97;  // of the other way's time, or nothing is gained

Index piece_of(Dims dims, Order order) {
  if (order == Order::kIndependent) return dims.steps;
  return std::min(dims.steps,
                  std::max(ceil_div(kPieceRows, dims.batch), ceil_div(dims.steps, kMostPieces)));
}

// Pieces in the order of their diagonals: piece k of pass j waits only for piece k of pass j-1,
// which is on the diagonal before, so threads that own several passes cannot lock each other out.
void run_pieces(const std::vector<std::unique_ptr<Pass>>& passes, std::vector<Progress>& progress,
                Dims dims, Order order, int thread, int team) noexcept {
  const Index piece = piece_of(dims, order), pieces = ceil_div(dims.steps, piece);
  const Index count = static_cast<Index>(passes.size());
  for (Index diagonal = 0; diagonal < pieces + count - 1; ++diagonal) {
    for (Index j = thread; j < count; j += team) {
      const Index k = diagonal - j;
      if (k < 0 || k >= pieces) continue;
      const auto at = static_cast<std::size_t>(j);
      if (order == Order::kChained && j > 0) progress[at - 1].wait_for(k + 1);
      passes[at]->run_piece({k * piece, std::min(dims.steps, (k + 1) * piece)});
      progress[at].reach(k + 1);
    }
  }
}

template <class T>
Work work_of(const ForwardCall<T>& call) {
  return work_of(*call.weights, call.problem.rows);
}
template <class T>
Work work_of(const BackwardCall<T>& call) {
  return backward_work_of(*call.weights, call.saved->rows);
}

template <class T>
Dims dims_of(const ForwardCall<T>& call) {
  return call.problem.rows;
}
template <class T>
Dims dims_of(const BackwardCall<T>& call) {
  return call.saved->rows;
}

template <class T>
std::unique_ptr<Pass> make_pass(const ForwardCall<T>& call, int threads, int /*finishers*/) {
  return make_forward(*call.weights, call.problem, call.saved, threads);
}
template <class T>
std::unique_ptr<Pass> make_pass(const BackwardCall<T>& call, int threads, int finishers) {
  return make_backward(*call.weights, *call.saved, call.problem, threads, finishers);
}

}  // namespace

int choose_team(const std::vector<Work>& works, Order order, int threads) {
  const int team =
      static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads), works.size()));
  if (team <= 1) return 1;
  std::vector<double> busy(static_cast<std::size_t>(team));
  double apart = 0, longest = 0;
  for (std::size_t j = 0; j < works.size(); ++j) {
    const double serial = estimated_ns(works[j], make_schedule(works[j], 1, false));
    apart += estimated_ns(works[j], choose_schedule(works[j], threads));
    busy[j % busy.size()] += serial;
    longest = std::max(longest, serial);
  }
  double together = *std::max_element(busy.begin(), busy.end()) + kForkNs;
  if (order == Order::kChained) {
    const Dims dims{works.front().steps, works.front().batch};
    const double pieces = static_cast<double>(ceil_div(dims.steps, piece_of(dims, order)));
    together += static_cast<double>(works.size() - 1) * longest / pieces;
  }
  return together < kWorthwhile * apart ? team : 1;
}

void run_together(const std::vector<std::unique_ptr<Pass>>& passes, Dims dims, Order order,
                  int team) {
  std::vector<Progress> progress(passes.size());
  Barrier all_through;
  run_team(team, [&](int thread, int granted) {
    run_pieces(passes, progress, dims, order, thread, granted);
    all_through.wait(granted);
    for (const auto& pass : passes) pass->finish(thread, granted);
  });
}

template <class Call>
void run_calls(const std::vector<Call>& calls, Order order, int team, int threads) {
  if (team == 1) {
    for (const Call& call : calls) make_pass(call, threads, 1)->run(threads);
    return;
  }
  std::vector<std::unique_ptr<Pass>> passes;
  for (const Call& call : calls) passes.push_back(make_pass(call, 1, team));
  run_together(passes, dims_of(calls.front()), order, team);
}

template <class Call>
void run_side_by_side(const std::vector<Call>& calls, int threads) {
  const CallInFlight in_flight;
  const int share = in_flight.share_of(threads);
  std::vector<Work> works;
  for (const Call& call : calls) works.push_back(work_of(call));
  run_calls(calls, Order::kIndependent, choose_team(works, Order::kIndependent, share), share);
}

template void run_calls(const std::vector<ForwardCall<float>>&, Order, int, int);
template void run_calls(const std::vector<ForwardCall<double>>&, Order, int, int);
template void run_calls(const std::vector<BackwardCall<float>>&, Order, int, int);
template void run_calls(const std::vector<BackwardCall<double>>&, Order, int, int);
template void run_side_by_side(const std::vector<ForwardCall<float>>&, int);
template void run_side_by_side(const std::vector<ForwardCall<double>>&, int);
template void run_side_by_side(const std::vector<BackwardCall<float>>&, int);
template void run_side_by_side(const std::vector<BackwardCall<double>>&, int);

}  // namespace tidegate
