// LayerStream: one layer that runs a step per call over buffers that Python fills and reads.
#include <pybind11/stl.h>

#include <mutex>
#include <stdexcept>

#include "base/call_in_flight.hpp"
#include "bindings/layer_weights.hpp"
#include "bindings/register.hpp"
#include "sequence/forward.hpp"

namespace tidegate {
namespace {

template <class T>
class LayerStream {
 public:
  // x (1, B, I) is read and h, c (B, H) are updated in place by every step().
  LayerStream(std::shared_ptr<LayerWeights<T>> weights, OptionalArray<T> x, OptionalArray<T> h,
              OptionalArray<T> c)
      : weights_(std::move(weights)), x_(std::move(x)), h_(std::move(h)), c_(std::move(c)) {
    CHECK_ARG(x_ && x_->ndim() == 3 && x_->shape(1) > 0 && h_,
              "core: x has three axes and at least one row, and h is given.");
    CHECK_ARG(c_.has_value() == (weights_->config().kind == CellKind::kLstm),
              "core: c is the LSTM's.");
    const Index batch = x_->shape(1), units = weights_->hidden_size();
    problem_.dims = {1, batch};
    problem_.x = sequence<T>(x_, "x", 1, batch, weights_->input_size());
    problem_.h_last = writable<T>(h_, "h", {batch, units});
    problem_.c_last = writable<T>(c_, "c", {batch, units});
    problem_.h0 = problem_.h_last;
    problem_.c0 = problem_.c_last;
  }

  void step(int threads) {
    CHECK_ARG(threads > 0, "core: threads is at least 1.");
    // Pure C++ on memory that this object keeps alive.
    const py::gil_scoped_release release;
    const std::unique_lock<std::mutex> alone(stepping_, std::try_to_lock);
    if (!alone) {
      throw std::runtime_error(
          "Stream.step: another thread is in a step of this stream; use one Stream per thread.");
    }
    const CallInFlight call;
    std::shared_ptr<const PackedWeights<T>> packed = weights_->packed(false, threads);
    if (packed != packed_ || threads > threads_) {  // the first step, or something changed
      runner_ = make_forward<T>(*packed, problem_, nullptr, threads);
      packed_ = std::move(packed);
      threads_ = threads;
    }
    runner_->run(call.share_of(threads));
  }

 private:
  std::shared_ptr<LayerWeights<T>> weights_;
  OptionalArray<T> x_, h_, c_;
  int threads_ = 0;
  std::mutex stepping_;
  ForwardProblem<T> problem_{};
  std::shared_ptr<const PackedWeights<T>> packed_;
  std::unique_ptr<ForwardRunner> runner_;
};

template <class T>
void register_dtype(py::module_& m, const char* name) {
  using py::arg;
  py::class_<LayerStream<T>>(m, name)
      .def(py::init<std::shared_ptr<LayerWeights<T>>, OptionalArray<T>, OptionalArray<T>,
                    OptionalArray<T>>(),
           arg("weights"), arg("x").noconvert(), arg("h").noconvert(),
           arg("c").noconvert().none(true))
      .def("step", &LayerStream<T>::step, arg("threads"), "Run one step: x in, h and c updated.");
}

}  // namespace

void register_stream(py::module_& m) {
  register_dtype<float>(m, "LayerStream32");
  register_dtype<double>(m, "LayerStream64");
}

}  // namespace tidegate
