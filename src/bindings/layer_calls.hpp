// forward and backward of one layer over NumPy arrays, and what is kept between them. Every shape
// is checked here; messages are for the callers of rnn_forward and rnn_backward.
#pragma once

#include <pybind11/stl.h>

#include <stdexcept>

#include "bindings/factor_arrays.hpp"
#include "bindings/layer_weights.hpp"
#include "bindings/ragged.hpp"
#include "bindings/thread_setting.hpp"
#include "bindings/without_gil.hpp"
#include "sequence/backward.hpp"
#include "sequence/forward.hpp"
#include "sequence/recompute.hpp"

namespace tidegate {

// The states of a call, h (B, P) and the LSTM's c (B, H): what is absent is zeros. P is H without a
// projection.
template <class T>
struct States {
  OptionalArray<T> h, c;

  // New arrays for what a call returns.
  static States like(const LayerWeights<T>& weights, Index batch) {
    States states{new_array<T>(Shape<2>{batch, weights.output_size()}), {}};
    if (weights.has_c()) states.c = new_array<T>(Shape<2>{batch, weights.hidden_size()});
    return states;
  }

  void check(const char* h_name, const char* c_name, const LayerWeights<T>& weights, Index batch) {
    CHECK_ARG(!c || weights.has_c(), "core: c is the LSTM's.");
    const auto check_one = [&](OptionalArray<T>& array, const char* name, Index size,
                               const char* why) {
      if (!array) return;
      check_shape(*array, name, Shape<2>{batch, size}, why);
      if (!is_contiguous(*array)) array = contiguous_copy(*array);
    };
    const char* const hidden = " = (batch, hidden_size)";
    check_one(h, h_name, weights.output_size(),
              weights.has_projection() ? " = (batch, output_size)" : hidden);
    check_one(c, c_name, weights.hidden_size(), hidden);
  }

  // Where there is no step, nothing changes.
  void take(const States& before) {
    const auto take_one = [](OptionalArray<T>& to, const OptionalArray<T>& from) {
      if (to && from) std::copy_n(from->data(), to->size(), to->mutable_data());
      if (to && !from) std::fill_n(to->mutable_data(), to->size(), T(0));
    };
    take_one(h, before.h);
    take_one(c, before.c);
  }

  py::tuple as_tuple() const {
    if (!c) return py::make_tuple(*h);
    return py::make_tuple(*h, *c);
  }
};

// What a forward pass with training keeps: serves one backward.
template <class T>
struct SavedLayer {
  std::shared_ptr<LayerWeights<T>> weights;
  std::uint64_t version;
  SequenceLayout layout;
  Dims dims;
  OptionalArray<T> x, y;  // keep alive the memory that `saved` points to; y only if it is returned
  FactorArrays<T> factors = {};
  Ragged ragged{};
  std::shared_ptr<const PackedWeights<T>> packed = nullptr;
  std::unique_ptr<Saved<T>> saved = nullptr;                  // null without steps or rows
  std::unique_ptr<Recomputation<T>> recomputation = nullptr;  // fills `saved` in pieces, if any
  bool used = false;

  ActiveRows rows() const { return ragged.rows(dims); }

  // After the backward: memory of what was saved serves the next forward.
  void give_back() {
    recomputation.reset();
    weights->give_back(std::move(saved));
    packed.reset();
  }
  // The memory that `saved` pointed to is the caller's alone again.
  void release_arrays() {
    x.reset();
    y.reset();
    factors = {};
  }

  // `door` is "rnn" of rnn_forward and rnn_backward, or the like.
  void require_usable(const std::string& door = "rnn") const {
    if (used) {
      throw std::runtime_error(door + "_backward: saved was used by an earlier backward, which " +
                               "overwrites it; run " + door +
                               "_forward(..., training=True) again.");
    }
    if (version != weights->version()) {
      throw std::runtime_error(door +
                               "_backward: the weights changed since the forward pass; run " +
                               door + "_forward again.");
    }
  }
};

// `where` is the function that was called.
template <class T>
void check_input(const char* where, const Array<T>& x, Index input_size, SequenceLayout layout) {
  const char* axes = layout.batch_first ? "(B, T, I)" : "(T, B, I)";
  CHECK_ARG(x.ndim() == 3,
            where << ": x has shape " << shape_text(x) << "; expected three axes, " << axes << ".");
  CHECK_ARG(x.shape(2) == input_size,
            where << ": x has shape " << shape_text(x) << "; expected " << input_size
                  << " features in the last axis, the input_size of the weights (" << axes << ").");
}

// True or False, of Python or of NumPy; a string such as "no" would count as true.
inline bool flag(const py::object& value, const char* name) {
  if (value.is(py::handle(Py_True))) return true;
  if (value.is(py::handle(Py_False))) return false;
  py::detail::type_caster<bool> from_numpy;
  if (from_numpy.load(value, false)) return from_numpy;
  throw py::type_error(name + (" is " + std::string(py::repr(value))) +
                       "; expected True or False.");
}

// `name` and `dstate` are what messages call dy and the gradients of the final states.
template <class T>
void check_dy(const char* name, const char* dstate, OptionalArray<T>& dy, bool returns_y,
              const Shape<3>& shape_of_y) {
  if (!dy) return;
  CHECK_ARG(returns_y, name << " is given, but the forward pass had return_sequences=False; "
                            << "expected " << dstate << " only.");
  check_shape(*dy, name, shape_of_y, ", the shape of y");
  dy = with_contiguous_rows(*dy);
}

// Pure C++ on memory that the arrays of the caller keep alive: call without the GIL. With training
// at most `recompute_every` steps are saved at a time, if that is not 0.
template <class T>
void run(LayerWeights<T>& weights, const ForwardProblem<T>& problem, SavedLayer<T>* kept,
         Index recompute_every, int threads) {
  const auto packed = weights.packed(kept != nullptr, problem.rows, threads);
  if (kept != nullptr) {
    kept->packed = packed;
    kept->saved = weights.take_saved(*packed);
    if (recompute_every > 0) {
      kept->recomputation = std::make_unique<Recomputation<T>>(
          std::vector<ForwardCall<T>>{{packed.get(), problem, kept->saved.get()}},
          Order::kIndependent, recompute_every);
      return kept->recomputation->run_forward(threads);
    }
    kept->saved->prepare(problem.rows, problem.x, problem.y.read_only(), problem.factors);
  }
  run_forward<T>(*packed, problem, kept != nullptr ? kept->saved.get() : nullptr, threads);
}
template <class T>
void run(SavedLayer<T>& layer, const BackwardProblem<T>& problem, int threads) {
  if (layer.recomputation) {
    layer.recomputation->run_backward({problem}, threads);
  } else {
    run_backward<T>(*layer.packed, *layer.saved, problem, threads);
  }
}

// Returns (y or None, final states, SavedLayer or None, c after each step or None).
template <class T>
py::tuple forward(std::shared_ptr<LayerWeights<T>> weights, Array<T> x, OptionalArray<T> h0,
                  OptionalArray<T> c0, Validity valid, const py::object& is_training,
                  const py::object& is_batch_first, const py::object& returns_sequences,
                  const py::object& goes_backwards, OptionalArray<T> scale, bool product_only,
                  OptionalArray<T> keep, const py::object& returns_cell_states,
                  Index recompute_every, OptionalArray<T> memory) {
  const bool training = flag(is_training, "rnn_forward: training");
  const SequenceLayout layout{flag(is_batch_first, "rnn_forward: batch_first"),
                              flag(goes_backwards, "rnn_forward: go_backwards")};
  const bool return_sequences = flag(returns_sequences, "rnn_forward: return_sequences");
  const bool return_cell_states = flag(returns_cell_states, "rnn_forward: return_cell_states");
  CHECK_ARG(
      !return_cell_states || weights->has_c(),
      "rnn_forward: return_cell_states is True; expected False (only \"lstm\" has a cell state).");
  check_input("rnn_forward", x, weights->input_size(), layout);
  x = with_contiguous_rows(x);
  const Dims dims = layout.dims(x);
  const Ragged ragged = ragged_from("rnn_forward", std::move(valid), dims, layout.go_backwards);
  const ActiveRows rows = ragged.rows(dims);
  States<T> first{std::move(h0), std::move(c0)};
  first.check("rnn_forward: state[0]", "rnn_forward: state[1]", *weights, dims.batch);

  States<T> last = States<T>::like(*weights, dims.batch);
  OptionalArray<T> y;
  if (return_sequences) y = new_array<T>(layout.shape(dims, weights->output_size()));
  ForwardProblem<T> problem{rows,
                            layout.view(x).over(rows),
                            {},
                            data_of(first.h),
                            data_of(first.c),
                            writable_data_of(last.h),
                            writable_data_of(last.c)};
  if (y) problem.y = layout.writable_view(*y).over(rows);
  OptionalArray<T> cell_states;
  if (return_cell_states) {
    cell_states = new_array<T>(layout.shape(dims, weights->hidden_size()));
    problem.cell_states = layout.writable_view(*cell_states).over(rows);
  }
  CHECK_ARG(memory.has_value() == weights->config().decays_memory,
            "core: memory_decay and weight_cc disagree.");
  const FactorArrays<T> factors{std::move(scale), product_only, std::move(keep), std::move(memory)};
  problem.factors =
      factors.views(layout, dims, plan_of(weights->config()).gates, weights->output_size())
          .over(rows);
  problem.masked_output = ragged.masked_output;
  std::unique_ptr<SavedLayer<T>> kept;
  if (training) {
    kept.reset(new SavedLayer<T>{weights, weights->version(), layout, dims, x, y, factors, ragged});
    if (y) make_read_only(*y);  // it is part of what is kept
  }
  if (rows.steps > 0 && rows.batch > 0) {
    const int threads = num_threads();
    run_without_gil([&] { run(*weights, problem, kept.get(), recompute_every, threads); });
  } else {
    last.take(first);
    fill_with_zeros(y);
    fill_with_zeros(cell_states);
  }
  return py::make_tuple(std::move(y), last.as_tuple(), std::move(kept), std::move(cell_states));
}

// Returns (dx or None, gradients of the first states, dscale (T, B, P) or None, the gradient by
// memory_decay as (T, B, H) to be summed over H, or None); gradients of the weights go into `out`.
template <class T>
py::tuple backward(SavedLayer<T>& layer, OptionalArray<T> dy, OptionalArray<T> dh_last,
                   OptionalArray<T> dc_last, const py::object& need_dx, LayerWeights<T>& out,
                   bool need_dscale, OptionalArray<T> dcell_states, bool need_dmemory) {
  const bool wants_dx = flag(need_dx, "rnn_backward: need_dx");
  layer.require_usable();
  const LayerWeights<T>& weights = *layer.weights;
  const SequenceLayout layout = layer.layout;
  check_dy("rnn_backward: dy", "dstate", dy, layer.y.has_value(),
           layout.shape(layer.dims, weights.output_size()));
  if (dcell_states) {
    CHECK_ARG(
        weights.has_c(),
        "rnn_backward: dcell_states is given; expected None (only \"lstm\" has a cell state).");
    check_shape(*dcell_states, "rnn_backward: dcell_states",
                layout.shape(layer.dims, weights.hidden_size()));
    dcell_states = with_contiguous_rows(*dcell_states);
  }
  States<T> last{std::move(dh_last), std::move(dc_last)};
  last.check("rnn_backward: dstate[0]", "rnn_backward: dstate[1]", weights, layer.dims.batch);

  States<T> first = States<T>::like(weights, layer.dims.batch);
  OptionalArray<T> dx;
  if (wants_dx) dx = new_array<T>(layout.shape(layer.dims, weights.input_size()));
  BackwardProblem<T> problem{{},
                             data_of(last.h),
                             data_of(last.c),
                             {},
                             writable_data_of(first.h),
                             writable_data_of(first.c),
                             out.as_gradients_of(weights)};
  const ActiveRows rows = layer.rows();
  if (dy) problem.dy = layout.view(*dy).over(rows);
  if (dx) problem.dx = layout.writable_view(*dx).over(rows);
  problem.masked_output = layer.ragged.masked_output;
  if (dcell_states) problem.dcell_states = layout.view(*dcell_states).over(rows);
  const auto new_factor_gradient = [&](Index width, SequenceView<T>& view) {
    OptionalArray<T> gradient = new_array<T>(layout.shape(layer.dims, width));
    view = layout.writable_view(*gradient).over(rows);
    if (layer.ragged.batch) fill_with_zeros(gradient);  // the pass writes valid steps
    return gradient;
  };
  OptionalArray<T> dscale, dmemory;
  if (need_dscale) dscale = new_factor_gradient(weights.output_size(), problem.dscale);
  if (need_dmemory) dmemory = new_factor_gradient(weights.hidden_size(), problem.dmemory);
  layer.used = true;  // from here on: no second backward, also not from another thread
  if (layer.saved) {
    const int threads = num_threads();
    run_without_gil([&] { run(layer, problem, threads); });
    layer.give_back();
  } else {
    first.take(last);
    out.fill_with_zeros();
    fill_with_zeros(dx);
  }
  layer.release_arrays();
  return py::make_tuple(std::move(dx), first.as_tuple(), std::move(dscale), std::move(dmemory));
}

}  // namespace tidegate
