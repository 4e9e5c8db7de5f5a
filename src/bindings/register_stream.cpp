// LayerStream: one layer that runs a step per call, its state in arrays that Python sees.
#include <pybind11/stl.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <stdexcept>

#include "base/call_in_flight.hpp"
#include "bindings/layer_weights.hpp"
#include "bindings/register.hpp"
#include "bindings/thread_setting.hpp"
#include "sequence/forward.hpp"

namespace tidegate {
namespace {

template <class T>
class LayerStream {
 public:
  // h (B, P) and c (B, H) are updated in place by every step(). `finite_only`: x_t comes from a
  // user. `keep`: the share of h that stays in each step.
  LayerStream(std::shared_ptr<LayerWeights<T>> weights, Array<T> h, OptionalArray<T> c,
              bool finite_only, double keep)
      : weights_(std::move(weights)),
        h_(std::move(h)),
        c_(std::move(c)),
        finite_only_(finite_only) {
    CHECK_ARG(h_->ndim() == 2 && h_->shape(0) > 0, "core: h has two axes and at least one row.");
    CHECK_ARG(c_.has_value() == weights_->has_c(), "core: c is the LSTM's.");
    CHECK_ARG(!weights_->config().decays_memory,
              "Stream: the weights have weight_cc, and a step of a stream takes no memory_decay; "
              "expected weights without it (rnn_forward with state= runs one step at a time).");
    const Index batch = h_->shape(0), inputs = weights_->input_size();
    x_.resize(checked_product(batch, inputs));
    problem_.rows = {1, batch};
    problem_.x = {x_.data(), 0, inputs};
    problem_.h_last = writable<T>(h_, "core: h", Shape<2>{batch, weights_->output_size()});
    problem_.c_last = writable<T>(c_, "core: c", Shape<2>{batch, weights_->hidden_size()});
    problem_.h0 = problem_.h_last;
    problem_.c0 = problem_.c_last;
    if (keep != 0) {
      keep_.resize(weights_->output_size());
      std::fill_n(keep_.data(), keep_.size(), static_cast<T>(keep));
      problem_.factors.keep = {keep_.data(), 0, 0};
    }
  }

  // Returns h; None, without a step, if x_t is no array of T.
  py::object step(const py::object& x_t) {
    const auto& numpy = py::detail::npy_api::get();
    // Not a subclass: a masked array would lose its mask.
    if (Py_TYPE(x_t.ptr()) != numpy.PyArray_Type_ || !Array<T>::check_(x_t)) return py::none();
    const auto x = py::reinterpret_borrow<Array<T>>(x_t);
    check_shape(x, "Stream.step: x_t", Shape<2>{problem_.rows.batch, weights_->input_size()});
    const std::unique_lock<std::mutex> alone(stepping_, std::try_to_lock);
    if (!alone) {
      throw std::runtime_error(
          "Stream.step: another thread is in a step of this stream; use one Stream per thread.");
    }
    read(x);
    run(num_threads());
    return *h_;
  }

 private:
  void read(const Array<T>& x) {
    const Index rows = x.shape(0), columns = x.shape(1);
    T* to = x_.data();
    if (is_contiguous(x)) {
      std::copy_n(x.data(), rows * columns, to);
    } else {
      for (Index k = 0; k < rows * columns; ++k) {  // memcpy: it may be unaligned
        std::memcpy(to + k, x.data(k / columns, k % columns), sizeof(T));
      }
    }
    bool finite = true;
    for (Index k = 0; k < x_.size(); ++k) finite &= std::abs(to[k]) <= kLargest;
    CHECK_ARG(finite || !finite_only_,
              "Stream.step: x_t has NaN or inf; expected finite numbers (repeat the last value, or "
              "skip the step).");
  }

  void run(int threads) {
    const py::gil_scoped_release release;  // pure C++ on memory that this object keeps alive
    const Interruption none(nullptr);      // a step is short, and the runner outlives this call
    const CallInFlight call;
    std::shared_ptr<const PackedWeights<T>> packed =
        weights_->packed(false, problem_.rows, threads);
    if (packed != packed_ || threads > threads_) {  // the first step, or something changed
      runner_ = make_forward<T>(*packed, problem_, nullptr, threads);
      packed_ = std::move(packed);
      threads_ = threads;
    }
    runner_->run(call.share_of(threads));
  }

  static constexpr T kLargest = std::numeric_limits<T>::max();

  std::shared_ptr<LayerWeights<T>> weights_;
  OptionalArray<T> h_, c_;
  const bool finite_only_;
  AlignedBuffer<T> x_, keep_;
  int threads_ = 0;
  std::mutex stepping_;
  ForwardProblem<T> problem_{};
  std::shared_ptr<const PackedWeights<T>> packed_;
  std::unique_ptr<Pass> runner_;
};

template <class T>
void register_dtype(py::module_& m, const char* name) {
  using py::arg;
  py::class_<LayerStream<T>>(m, name)
      .def(py::init<std::shared_ptr<LayerWeights<T>>, Array<T>, OptionalArray<T>, bool, double>(),
           arg("weights"), arg("h").noconvert(), arg("c").noconvert().none(true),
           arg("finite_only"), arg("keep"))
      .def("step", &LayerStream<T>::step, arg("x_t"),
           "Run one step: h and c are updated, h is returned.");
}

}  // namespace

void register_stream(py::module_& m) {
  register_dtype<float>(m, "LayerStream32");
  register_dtype<double>(m, "LayerStream64");
}

}  // namespace tidegate
