// forward and backward of the two directions of a bidirectional layer over NumPy arrays; messages
// are for the callers of birnn_forward and birnn_backward. Both write into one y, side by side:
//
//   y[t] = [ h forward at t | h backward at t ]
#pragma once

#include "bindings/several_calls.hpp"

namespace tidegate {

constexpr std::size_t kDirections = 2;

// The units of one direction in an array of both.
template <class T>
SequenceView<T> units_from(SequenceView<T> view, Index unit) {
  view.data += unit;
  return view;
}

inline SequenceLayout layout_of(bool batch_first, std::size_t direction) {
  return {batch_first, direction == 1};
}

// Returns (y or None, ((h, ...) forward, (h, ...) backward), SavedDirections or None).
template <class T>
py::tuple directions_forward(const WeightsList<T>& weights, Array<T> x, StatesList<T> states,
                             const Validity& valid, const py::object& is_training,
                             const py::object& is_batch_first, const py::object& returns_sequences,
                             Index recompute_every) {
  const int threads = num_threads();
  const bool training = flag(is_training, "birnn_forward: training");
  const bool batch_first = flag(is_batch_first, "birnn_forward: batch_first");
  const bool return_sequences = flag(returns_sequences, "birnn_forward: return_sequences");
  CHECK_ARG(weights.size() == kDirections, "core: there are two directions.");
  require_no_memory_decay("birnn_forward", weights);
  const SequenceLayout layout = layout_of(batch_first, 0);
  const Index units = weights[0]->output_size();
  CHECK_ARG(weights[1]->input_size() == weights[0]->input_size(),
            "birnn_forward: backward_weights has input_size "
                << weights[1]->input_size() << "; expected " << weights[0]->input_size()
                << ", that of forward_weights.");
  check_input("birnn_forward", x, weights[0]->input_size(), layout);
  x = with_contiguous_rows(x);
  const Dims dims = layout.dims(x);
  const Ragged ragged[] = {ragged_from("birnn_forward", valid, dims, false),
                           ragged_from("birnn_forward", valid, dims, true)};
  const ActiveRows rows = ragged[0].rows(dims);
  auto first = checked_states("birnn_forward: state", true, weights, std::move(states), dims.batch);
  auto last = new_states(weights, dims.batch);
  OptionalArray<T> y;
  if (return_sequences) y = new_array<T>(layout.shape(dims, units + weights[1]->output_size()));
  std::unique_ptr<SavedDirections<T>> kept;
  if (training) {
    kept = std::make_unique<SavedDirections<T>>();
    kept->returns_y = return_sequences;
    for (std::size_t k = 0; k < kDirections; ++k) {
      kept->layers.push_back({weights[k],
                              weights[k]->version(),
                              layout_of(batch_first, k),
                              dims,
                              x,
                              y,
                              {},
                              ragged[k]});
    }
    if (y) make_read_only(*y);  // it is part of what is kept
  }
  if (rows.steps == 0 || rows.batch == 0) {
    take_all(last, first);
    fill_with_zeros(y);
    return py::make_tuple(std::move(y), as_tuples(last), std::move(kept));
  }
  std::vector<ForwardCall<T>> calls;
  for (std::size_t k = 0; k < kDirections; ++k) {
    const SequenceLayout own = layout_of(batch_first, k);
    const ActiveRows own_rows = ragged[k].rows(dims);
    SequenceView<T> y_view;
    if (y) y_view = units_from(own.writable_view(*y), k == 0 ? 0 : units).over(own_rows);
    calls.push_back(
        {nullptr,
         {own_rows, own.view(x).over(own_rows), y_view, data_of(first[k].h), data_of(first[k].c),
          writable_data_of(last[k].h), writable_data_of(last[k].c), ragged[k].masked_output},
         nullptr});
  }
  run_without_gil([&] {
    PackedLayers<T> packed(weights, training, dims, threads);
    for (std::size_t k = 0; k < kDirections; ++k) {
      calls[k].weights = packed.packed[k].get();
      calls[k].saved = packed.saved[k].get();
      if (training && recompute_every == 0) {
        const ForwardProblem<T>& problem = calls[k].problem;
        calls[k].saved->prepare(problem.rows, problem.x, problem.y.read_only());
      }
    }
    if (training && recompute_every > 0) {
      kept->recomputation =
          std::make_unique<Recomputation<T>>(calls, Order::kIndependent, recompute_every);
      kept->recomputation->run_forward(threads);
    } else {
      run_side_by_side(calls, threads);
    }
    if (training) packed.move_to(*kept);
  });
  return py::make_tuple(std::move(y), as_tuples(last), std::move(kept));
}

// Call without the GIL.
template <class T>
void run_directions_backward(SavedDirections<T>& kept, std::vector<BackwardCall<T>>& calls,
                             SequenceView<T> dx, Index inputs, int threads) {
  const Dims dims = kept.layers.front().dims;
  AlignedBuffer<T> dx_backward;  // the two directions run at once: each has a dx of its own
  if (dx) {
    dx_backward.resize(checked_product(dims.steps, dims.batch, inputs));
    calls[1].problem.dx = {dx_backward.data() + (dims.steps - 1) * dims.batch * inputs,
                           -dims.batch * inputs, inputs};
    calls[1].problem.dx = calls[1].problem.dx.over(kept.layers[1].rows());
  }
  if (kept.recomputation) {
    kept.recomputation->run_backward({calls[0].problem, calls[1].problem}, threads);
  } else {
    run_side_by_side(calls, threads);
  }
  const T* from = dx_backward.data();
  for (Index t = 0; dx && t < dims.steps; ++t) {
    for (Index b = 0; b < dims.batch; ++b, from += inputs) {
      std::transform(from, from + inputs, dx.at_time(t, b), dx.at_time(t, b), std::plus<T>());
    }
  }
}

// Returns (dx or None, gradients of the first states of both directions); gradients of the weights
// go into `out`.
template <class T>
py::tuple directions_backward(SavedDirections<T>& kept, OptionalArray<T> dy, StatesList<T> dstate,
                              const py::object& need_dx, const WeightsList<T>& out) {
  const int threads = num_threads();
  const bool wants_dx = flag(need_dx, "birnn_backward: need_dx");
  kept.require_usable("birnn");
  const WeightsList<T> weights = kept.weights();
  const SequenceLayout layout = kept.layers.front().layout;
  const Dims dims = kept.layers.front().dims;
  const Index units = weights[0]->output_size();
  check_dy("birnn_backward: dy", "dstate", dy, kept.returns_y,
           layout.shape(dims, units + weights[1]->output_size()));
  auto last =
      checked_states("birnn_backward: dstate", true, weights, std::move(dstate), dims.batch);
  auto first = new_states(weights, dims.batch);
  OptionalArray<T> dx;
  if (wants_dx) dx = new_array<T>(layout.shape(dims, weights[0]->input_size()));
  const auto gradients = checked_gradients("birnn", weights, out);
  kept.mark_used();
  if (kept.has_work()) {
    std::vector<BackwardCall<T>> calls;
    for (std::size_t k = 0; k < kDirections; ++k) {
      SavedLayer<T>& layer = kept.layers[k];
      SequenceView<const T> dy_view;
      if (dy) dy_view = units_from(layer.layout.view(*dy), k == 0 ? 0 : units).over(layer.rows());
      calls.push_back({layer.packed.get(),
                       layer.saved.get(),
                       {dy_view,
                        data_of(last[k].h),
                        data_of(last[k].c),
                        {},
                        writable_data_of(first[k].h),
                        writable_data_of(first[k].c),
                        gradients[k],
                        layer.ragged.masked_output}});
    }
    SequenceView<T> dx_view;
    if (dx) calls[0].problem.dx = dx_view = layout.writable_view(*dx).over(kept.layers[0].rows());
    const Index inputs = weights[0]->input_size();
    run_without_gil([&] { run_directions_backward(kept, calls, dx_view, inputs, threads); });
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
