// forward and backward of stacked layers over NumPy arrays; messages are for the callers of
// rnn_stack_forward and rnn_stack_backward.
#pragma once

#include "bindings/several_calls.hpp"

namespace tidegate {

template <class T>
void run_stack_forward(const WeightsList<T>& weights, const ActiveRows& rows,
                       SequenceView<const T> x, SequenceView<T> y, MaskedOutput masked_output,
                       std::vector<States<T>>& first, std::vector<States<T>>& last,
                       SavedStack<T>* kept, Index recompute_every, int threads) {
  std::vector<StackedForward<T>> layers;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    layers.push_back({nullptr, nullptr, data_of(first[k].h), data_of(first[k].c),
                      writable_data_of(last[k].h), writable_data_of(last[k].c)});
  }
  PackedLayers<T> packed(weights, kept != nullptr, rows, threads);
  for (std::size_t k = 0; k < layers.size(); ++k) {
    layers[k].weights = packed.packed[k].get();
    layers[k].saved = packed.saved[k].get();
  }
  if (kept != nullptr && recompute_every > 0) {
    std::vector<ForwardCall<T>> calls;
    for (const StackedForward<T>& layer : layers) {
      calls.push_back(
          {layer.weights,
           {rows, {}, {}, layer.h0, layer.c0, layer.h_last, layer.c_last, masked_output},
           layer.saved});
    }
    calls.front().problem.x = x;
    calls.back().problem.y = y;
    kept->recomputation =
        std::make_unique<Recomputation<T>>(std::move(calls), Order::kChained, recompute_every);
    kept->recomputation->run_forward(threads);
  } else {
    run_stack(layers, rows, x, y, masked_output, threads);
  }
  if (kept != nullptr) packed.move_to(*kept);
}

// Returns (y or None, a tuple of the final states of each layer, SavedStack or None).
template <class T>
py::tuple stack_forward(const WeightsList<T>& weights, Array<T> x, StatesList<T> states,
                        Validity valid, const py::object& is_training,
                        const py::object& is_batch_first, const py::object& returns_sequences,
                        Index recompute_every) {
  const int threads = num_threads();
  const bool training = flag(is_training, "rnn_stack_forward: training");
  const SequenceLayout layout{flag(is_batch_first, "rnn_stack_forward: batch_first"), false};
  const bool return_sequences = flag(returns_sequences, "rnn_stack_forward: return_sequences");
  CHECK_ARG(!weights.empty(), "core: there is at least one layer.");
  require_no_memory_decay("rnn_stack_forward", weights);
  for (std::size_t k = 1; k < weights.size(); ++k) {
    CHECK_ARG(weights[k]->input_size() == weights[k - 1]->output_size(),
              "rnn_stack_forward: weights[" << k << "] has input_size " << weights[k]->input_size()
                                            << "; expected " << weights[k - 1]->output_size()
                                            << ", the output_size of weights[" << k - 1 << "].");
  }
  check_input("rnn_stack_forward", x, weights.front()->input_size(), layout);
  x = with_contiguous_rows(x);
  const Dims dims = layout.dims(x);
  const Ragged ragged = ragged_from("rnn_stack_forward", std::move(valid), dims, false);
  const ActiveRows rows = ragged.rows(dims);
  auto first =
      checked_states("rnn_stack_forward: states", false, weights, std::move(states), dims.batch);
  auto last = new_states(weights, dims.batch);
  OptionalArray<T> y;
  if (return_sequences) y = new_array<T>(layout.shape(dims, weights.back()->output_size()));
  std::unique_ptr<SavedStack<T>> kept;
  if (training) {
    kept = std::make_unique<SavedStack<T>>();
    kept->returns_y = return_sequences;
    for (const auto& layer : weights) {
      kept->layers.push_back({layer, layer->version(), layout, dims, x, y, {}, ragged});
    }
    if (y) make_read_only(*y);  // it is part of what is kept
  }
  if (rows.steps > 0 && rows.batch > 0) {
    SequenceView<T> y_view;
    if (y) y_view = layout.writable_view(*y).over(rows);
    const auto x_view = layout.view(x).over(rows);
    run_without_gil([&] {
      run_stack_forward(weights, rows, x_view, y_view, ragged.masked_output, first, last,
                        kept.get(), recompute_every, threads);
    });
  } else {
    take_all(last, first);
    fill_with_zeros(y);
  }
  return py::make_tuple(std::move(y), as_tuples(last), std::move(kept));
}

template <class T>
void run_stack_backward(SavedStack<T>& kept, SequenceView<const T> dy, SequenceView<T> dx,
                        std::vector<States<T>>& last, std::vector<States<T>>& first,
                        const std::vector<WeightGradients<T>>& gradients, int threads) {
  std::vector<StackedBackward<T>> layers;
  for (std::size_t k = 0; k < kept.layers.size(); ++k) {
    layers.push_back({kept.layers[k].packed.get(), kept.layers[k].saved.get(), data_of(last[k].h),
                      data_of(last[k].c), writable_data_of(first[k].h),
                      writable_data_of(first[k].c), gradients[k]});
  }
  const MaskedOutput masked_output = kept.layers.front().ragged.masked_output;
  if (kept.recomputation) {
    std::vector<BackwardProblem<T>> problems;
    for (const StackedBackward<T>& layer : layers) {
      problems.push_back({{},
                          layer.dh_last,
                          layer.dc_last,
                          {},
                          layer.dh0,
                          layer.dc0,
                          layer.gradients,
                          masked_output});
    }
    problems.back().dy = dy;
    problems.front().dx = dx;
    kept.recomputation->run_backward(problems, threads);
  } else {
    run_stack(layers, dy, dx, masked_output, threads);
  }
}

// Returns (dx or None, a tuple of the gradients of the first states of each layer); gradients of
// the weights go into `out`.
template <class T>
py::tuple stack_backward(SavedStack<T>& kept, OptionalArray<T> dy, StatesList<T> dstates,
                         const py::object& need_dx, const WeightsList<T>& out) {
  const int threads = num_threads();
  const bool wants_dx = flag(need_dx, "rnn_stack_backward: need_dx");
  kept.require_usable("rnn_stack");
  const WeightsList<T> weights = kept.weights();
  const SequenceLayout layout = kept.layers.front().layout;
  const Dims dims = kept.layers.front().dims;
  check_dy("rnn_stack_backward: dy", "dstates", dy, kept.returns_y,
           layout.shape(dims, weights.back()->output_size()));
  auto last =
      checked_states("rnn_stack_backward: dstates", false, weights, std::move(dstates), dims.batch);
  auto first = new_states(weights, dims.batch);
  OptionalArray<T> dx;
  if (wants_dx) dx = new_array<T>(layout.shape(dims, weights.front()->input_size()));
  const auto gradients = checked_gradients("rnn_stack", weights, out);
  kept.mark_used();
  if (kept.has_work()) {
    SequenceView<const T> dy_view;
    SequenceView<T> dx_view;
    const ActiveRows rows = kept.layers.front().rows();
    if (dy) dy_view = layout.view(*dy).over(rows);
    if (dx) dx_view = layout.writable_view(*dx).over(rows);
    run_without_gil(
        [&] { run_stack_backward(kept, dy_view, dx_view, last, first, gradients, threads); });
    kept.give_back();
  } else {
    take_all(first, last);
    for (const auto& gradient : out) gradient->fill_with_zeros();
    fill_with_zeros(dx);
  }
  kept.release_arrays();
  return py::make_tuple(std::move(dx), as_tuples(first));
}

}  // namespace tidegate
