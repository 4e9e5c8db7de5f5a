// LayerStream: one layer that runs a step per call over buffers that Python fills and reads.
#include <pybind11/stl.h>

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
              OptionalArray<T> c, int threads)
      : weights_(std::move(weights)),
        x_(std::move(x)),
        h_(std::move(h)),
        c_(std::move(c)),
        threads_(threads) {
    CHECK_ARG(x_ && x_->ndim() == 3 && x_->shape(1) > 0 && h_ && threads > 0,
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

  void step() {
    // Pure C++ on memory that this object keeps alive.
    const py::gil_scoped_release release;
    std::shared_ptr<const PackedWeights<T>> packed = weights_->packed(false, threads_);
    if (packed != packed_) {  // the first step, or the weights changed
      runner_ = make_forward<T>(*packed, problem_, nullptr, threads_);
      packed_ = std::move(packed);
    }
    runner_->run();
  }

 private:
  std::shared_ptr<LayerWeights<T>> weights_;
  OptionalArray<T> x_, h_, c_;
  int threads_;
  ForwardProblem<T> problem_{};
  std::shared_ptr<const PackedWeights<T>> packed_;
  std::unique_ptr<ForwardRunner> runner_;
};

template <class T>
void register_dtype(py::module_& m, const char* name) {
  using py::arg;
  py::class_<LayerStream<T>>(m, name)
      .def(py::init<std::shared_ptr<LayerWeights<T>>, OptionalArray<T>, OptionalArray<T>,
                    OptionalArray<T>, int>(),
           arg("weights"), arg("x").noconvert(), arg("h").noconvert(),
           arg("c").noconvert().none(true), arg("threads"))
      .def("step", &LayerStream<T>::step, "Run one step: x in, h and c updated.");
}

}  // namespace

void register_stream(py::module_& m) {
  register_dtype<float>(m, "LayerStream32");
  register_dtype<double>(m, "LayerStream64");
}

}  // namespace tidegate
