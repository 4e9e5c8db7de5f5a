#include "sequence/recompute.hpp"

#include <algorithm>

namespace tidegate {
namespace {

template <class T>
void run_forward_calls(std::vector<ForwardCall<T>>& calls, Order order, int threads) {
  if (order == Order::kIndependent) {
    for (ForwardCall<T>& call : calls) {
      const ForwardProblem<T>& p = call.problem;
      if (call.saved != nullptr) call.saved->prepare(p.rows, p.x, p.y.read_only(), p.factors);
    }
    return run_side_by_side(calls, threads);
  }
  std::vector<StackedForward<T>> layers;
  for (const ForwardCall<T>& call : calls) {
    const ForwardProblem<T>& p = call.problem;
    layers.push_back({call.weights, call.saved, p.h0, p.c0, p.h_last, p.c_last});
  }
  const ForwardProblem<T>&first = calls.front().problem, &last = calls.back().problem;
  run_stack(layers, first.rows, first.x, last.y, last.masked_output, threads);
}

template <class T>
void run_backward_calls(const std::vector<BackwardCall<T>>& calls, Order order, int threads) {
  if (order == Order::kIndependent) return run_side_by_side(calls, threads);
  std::vector<StackedBackward<T>> layers;
  for (const BackwardCall<T>& call : calls) {
    const BackwardProblem<T>& p = call.problem;
    layers.push_back(
        {call.weights, call.saved, p.dh_last, p.dc_last, p.dh0, p.dc0, p.weights, p.accumulate});
  }
  const BackwardProblem<T>&first = calls.front().problem, &last = calls.back().problem;
  run_stack(layers, last.dy, first.dx, last.masked_output, threads);
}

template <class T>
void copy_or_zero(const T* from, Index size, T* to) {
  if (from != nullptr) {
    std::copy_n(from, size, to);
  } else {
    std::fill_n(to, size, T(0));
  }
}

}  // namespace

template <class T>
Recomputation<T>::Recomputation(std::vector<ForwardCall<T>> calls, Order order, Index every)
    : calls_(std::move(calls)),
      order_(order),
      segments_{calls_.front().problem.rows.steps,
                std::min(every, calls_.front().problem.rows.steps)} {
  for (const ForwardCall<T>& call : calls_) states_.push_back(checkpoints_of(call));
}

template <class T>
typename Recomputation<T>::Checkpoints Recomputation<T>::checkpoints_of(
    const ForwardCall<T>& call) const {
  const PackedWeights<T>& weights = *call.weights;
  const Index batch = call.problem.rows.batch, count = segments_.count();
  const bool has_c = weights.plan.states == 2;
  Checkpoints states{batch * weights.output_size, has_c ? batch * weights.hidden_size : 0, {}, {}};
  states.h.resize(checked_product(count, states.h_size));
  states.c.resize(checked_product(count, states.c_size));
  copy_or_zero(call.problem.h0, states.h_size, states.h_at(0));
  copy_or_zero(call.problem.c0, states.c_size, states.c_at(0));
  return states;
}

// The calls as they are in one segment, but for the final states, which are those of all steps.
template <class T>
std::vector<ForwardCall<T>> Recomputation<T>::calls_of(Index segment) {
  rows_.clear();
  std::vector<ForwardCall<T>> calls = calls_;
  for (std::size_t j = 0; j < calls.size(); ++j) {
    ForwardProblem<T>& p = calls[j].problem;
    rows_.emplace_back(p.rows, segments_.at(segment));
    p.rows = rows_[j].rows();
    p.x = rows_[j].of(p.x);
    p.y = rows_[j].of(p.y);
    p.cell_states = rows_[j].of(p.cell_states);
    p.factors = rows_[j].of(p.factors);
    p.h0 = states_[j].h_at(segment);
    p.c0 = states_[j].c_at(segment);
  }
  return calls;
}

// Rows of a ragged batch get fewer, so the last segment, which comes first, is the smallest.
template <class T>
void Recomputation<T>::reserve() {
  for (const ForwardCall<T>& call : calls_) {
    for (Index segment = 0; segment < std::min<Index>(2, segments_.count()); ++segment) {
      call.saved->prepare(SegmentRows(call.problem.rows, segments_.at(segment)).rows(), {}, {});
    }
  }
}

template <class T>
void Recomputation<T>::run_forward(int threads) {
  const Index last = segments_.count() - 1;
  if (calls_.front().problem.rows.ragged != nullptr) reserve();
  for (Index segment = 0; segment <= last; ++segment) {
    std::vector<ForwardCall<T>> calls = calls_of(segment);
    for (std::size_t j = 0; segment < last && j < calls.size(); ++j) {
      calls[j].saved = nullptr;
      calls[j].problem.h_last = states_[j].h_at(segment + 1);
      calls[j].problem.c_last = states_[j].c_at(segment + 1);
    }
    run_forward_calls(calls, order_, threads);
  }
  for (ForwardCall<T>& call : calls_) call.problem.y = call.problem.cell_states = {};
}

// Saves a segment whose outputs the caller has. Its final states go to where its first ones were.
template <class T>
void Recomputation<T>::run_again(Index segment, int threads) {
  std::vector<ForwardCall<T>> calls = calls_of(segment);
  for (std::size_t j = 0; j < calls.size(); ++j) {
    calls[j].problem.h_last = states_[j].h_at(segment);
    calls[j].problem.c_last = states_[j].c_at(segment);
  }
  run_forward_calls(calls, order_, threads);
}

template <class T>
void Recomputation<T>::run_backward(const std::vector<BackwardProblem<T>>& problems, int threads) {
  const Index last = segments_.count() - 1;
  for (Index segment = last; segment >= 0; --segment) {
    if (segment < last) run_again(segment, threads);
    std::vector<BackwardCall<T>> calls;
    for (std::size_t j = 0; j < calls_.size(); ++j) {
      BackwardProblem<T> p = problems[j];
      p.dy = rows_[j].of(p.dy);
      p.dx = rows_[j].of(p.dx);
      p.dscale = rows_[j].of(p.dscale);
      p.dmemory = rows_[j].of(p.dmemory);
      p.dcell_states = rows_[j].of(p.dcell_states);
      if (segment < last) {  // what flowed out of the segment after this one
        p.dh_last = p.dh0;
        p.dc_last = p.dc0;
        p.accumulate = true;
      }
      calls.push_back({calls_[j].weights, calls_[j].saved, p});
    }
    run_backward_calls(calls, order_, threads);
  }
}

template class Recomputation<float>;
template class Recomputation<double>;

}  // namespace tidegate
