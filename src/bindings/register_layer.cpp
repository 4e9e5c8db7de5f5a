// LayerWeights, forward, backward and the saved tensors between them, for float and double.
#include <pybind11/stl.h>

#include <stdexcept>
#include <string>

#include "bindings/layer_weights.hpp"
#include "bindings/register.hpp"
#include "sequence/backward.hpp"
#include "sequence/forward.hpp"

namespace tidegate {
namespace {

// What forward(training=True) returns: serves one backward().
template <class T>
struct SavedLayer {
  std::shared_ptr<LayerWeights<T>> weights;
  std::uint64_t version;
  OptionalArray<T> x, y;  // keeps alive the memory that `saved` points to
  std::shared_ptr<const PackedWeights<T>> packed;
  std::unique_ptr<Saved<T>> saved;
};

template <class T>
std::unique_ptr<SavedLayer<T>> forward(std::shared_ptr<LayerWeights<T>> weights, OptionalArray<T> x,
                                       OptionalArray<T> y, const OptionalArray<T>& h0,
                                       const OptionalArray<T>& c0, OptionalArray<T> h_last,
                                       OptionalArray<T> c_last, bool training, int threads) {
  CHECK_ARG(x && x->ndim() == 3 && h_last, "core: x has three axes and h_last is given.");
  const Index steps = x->shape(0), batch = x->shape(1), units = weights->hidden_size();
  const bool has_c = weights->config().kind == CellKind::kLstm;
  CHECK_ARG(steps > 0 && batch > 0 && threads > 0, "core: T, B and threads are at least 1.");
  CHECK_ARG(c_last.has_value() == has_c && (has_c || !c0), "core: c is the LSTM's.");
  ForwardProblem<T> problem{};
  problem.dims = {steps, batch};
  problem.x = sequence<T>(x, "x", steps, batch, weights->input_size());
  problem.y = writable_sequence<T>(y, "y", steps, batch, units);
  problem.h0 = contiguous<T>(h0, "h0", {batch, units});
  problem.c0 = contiguous<T>(c0, "c0", {batch, units});
  problem.h_last = writable<T>(h_last, "h_last", {batch, units});
  problem.c_last = writable<T>(c_last, "c_last", {batch, units});

  auto result = training ? std::make_unique<SavedLayer<T>>() : nullptr;
  {
    // Pure C++ on memory that the arguments keep alive.
    const py::gil_scoped_release release;
    const std::uint64_t version = weights->version();
    const std::shared_ptr<const PackedWeights<T>> packed = weights->packed(training, threads);
    if (training) {
      auto saved = std::make_unique<Saved<T>>(*packed, problem.dims, y.has_value());
      saved->x = problem.x;
      result->saved = std::move(saved);
      result->version = version;
      result->packed = packed;
    }
    run_forward<T>(*packed, problem, training ? result->saved.get() : nullptr, threads);
  }
  if (training) {
    Saved<T>& saved = *result->saved;
    saved.h = problem.y ? SequenceView<const T>{problem.y.data, problem.y.step, problem.y.row}
                        : saved.own_h_view();
    result->x = std::move(x);
    result->y = std::move(y);
    result->weights = std::move(weights);
  }
  return result;
}

template <class T>
void backward(SavedLayer<T>& layer, const OptionalArray<T>& dy, const OptionalArray<T>& dh_last,
              const OptionalArray<T>& dc_last, OptionalArray<T> dx, OptionalArray<T> dh0,
              OptionalArray<T> dc0, OptionalArray<T> dweight_ih, OptionalArray<T> dweight_hh,
              OptionalArray<T> dbias_ih, OptionalArray<T> dbias_hh, OptionalArray<T> dpeephole,
              int threads) {
  if (!layer.saved) throw std::runtime_error("core: saved was used by an earlier backward.");
  LayerWeights<T>& weights = *layer.weights;
  if (layer.version != weights.version()) {
    throw std::runtime_error("core: the weights changed since the forward pass.");
  }
  const Dims dims = layer.saved->dims;
  const Index units = weights.hidden_size(), inputs = weights.input_size();
  const Index rows = plan_of(weights.config()).gates * units;
  const bool has_c = weights.config().kind == CellKind::kLstm;
  CHECK_ARG(dh0 && dc0.has_value() == has_c && (has_c || !dc_last), "core: c is the LSTM's.");
  BackwardProblem<T> problem{};
  problem.dy = sequence<T>(dy, "dy", dims.steps, dims.batch, units);
  problem.dh_last = contiguous<T>(dh_last, "dh_last", {dims.batch, units});
  problem.dc_last = contiguous<T>(dc_last, "dc_last", {dims.batch, units});
  problem.dx = writable_sequence<T>(dx, "dx", dims.steps, dims.batch, inputs);
  problem.dh0 = writable<T>(dh0, "dh0", {dims.batch, units});
  problem.dc0 = writable<T>(dc0, "dc0", {dims.batch, units});
  problem.weights.weight_ih = writable<T>(dweight_ih, "dweight_ih", {rows, inputs});
  problem.weights.weight_hh = writable<T>(dweight_hh, "dweight_hh", {rows, units});
  problem.weights.bias_ih = writable<T>(dbias_ih, "dbias_ih", {rows});
  problem.weights.bias_hh = writable<T>(dbias_hh, "dbias_hh", {rows});
  switch (weights.config().peephole) {
    case Peephole::kNone:
      CHECK_ARG(!dpeephole, "core: there is no peephole.");
      break;
    case Peephole::kDiagonal:
      problem.weights.peephole = writable<T>(dpeephole, "dpeephole", {3, units});
      break;
    case Peephole::kFull:
      problem.weights.peephole = writable<T>(dpeephole, "dpeephole", {3, units, units});
      break;
  }
  // From here on the gates are overwritten: no second backward, also not from another thread.
  const std::unique_ptr<Saved<T>> saved = std::move(layer.saved);
  {
    const py::gil_scoped_release release;  // pure C++ on memory that the arguments keep alive
    run_backward<T>(*layer.packed, *saved, problem, threads);
    layer.packed.reset();
  }
  layer.x.reset();
  layer.y.reset();
}

ActivationKind activation_from(const std::string& name) {
  if (name == "tanh") return ActivationKind::kTanh;
  if (name == "sigmoid") return ActivationKind::kSigmoid;
  if (name == "relu") return ActivationKind::kRelu;
  CHECK_ARG(name == "linear", "core: activation \"" << name << "\" is unknown.");
  return ActivationKind::kLinear;
}

CellConfig config_from(const std::string& cell, const std::string& peephole, bool reset_after,
                       bool retain, const std::string& input, const std::string& recurrent,
                       const std::string& output) {
  CHECK_ARG(cell == "lstm" || cell == "gru" || cell == "rnn",
            "core: cell \"" << cell << "\" is unknown.");
  CHECK_ARG(peephole == "none" || peephole == "diagonal" || peephole == "full",
            "core: peephole \"" << peephole << "\" is unknown.");
  CellConfig config;
  config.kind = cell == "lstm" ? CellKind::kLstm : cell == "gru" ? CellKind::kGru : CellKind::kRnn;
  config.peephole = peephole == "diagonal" ? Peephole::kDiagonal
                    : peephole == "full"   ? Peephole::kFull
                                           : Peephole::kNone;
  config.reset_after = reset_after;
  config.retain = retain;
  config.activations.input.kind = activation_from(input);
  config.activations.recurrent.kind = activation_from(recurrent);
  config.activations.output.kind = activation_from(output);
  return config;
}

template <class T>
void register_dtype(py::module_& m, const char* suffix) {
  using py::arg;
  const auto named = [&](const char* name) { return std::string(name) + suffix; };
  // Arrays must already have the dtype: a silent conversion would write into a copy.
  const auto none = [](const char* name) { return arg(name).noconvert().none(true); };
  using Weights = LayerWeights<T>;
  py::class_<Weights, std::shared_ptr<Weights>>(m, named("LayerWeights").c_str())
      .def(py::init([](const std::string& cell, const std::string& peephole_kind, bool reset_after,
                       bool retain, const std::string& activation, const std::string& recurrent,
                       const std::string& output, Array<T> weight_ih, Array<T> weight_hh,
                       OptionalArray<T> bias_ih, OptionalArray<T> bias_hh,
                       OptionalArray<T> peephole) {
             return std::make_shared<Weights>(config_from(cell, peephole_kind, reset_after, retain,
                                                          activation, recurrent, output),
                                              std::move(weight_ih), std::move(weight_hh),
                                              std::move(bias_ih), std::move(bias_hh),
                                              std::move(peephole));
           }),
           arg("cell"), arg("peephole_kind"), arg("reset_after"), arg("retain"), arg("activation"),
           arg("recurrent_activation"), arg("output_activation"), arg("weight_ih").noconvert(),
           arg("weight_hh").noconvert(), none("bias_ih"), none("bias_hh"), none("peephole"))
      .def("changed", &Weights::changed, "Pack again before the next call.");

  py::class_<SavedLayer<T>>(m, named("SavedLayer").c_str())
      .def_property_readonly("used", [](const SavedLayer<T>& s) { return s.saved == nullptr; })
      .def_property_readonly(
          "stale", [](const SavedLayer<T>& s) { return s.version != s.weights->version(); });

  m.def(named("forward").c_str(), &forward<T>, arg("weights"), none("x"), none("y"), none("h0"),
        none("c0"), none("h_last"), none("c_last"), arg("training"), arg("threads"));
  m.def(named("backward").c_str(), &backward<T>, arg("saved"), none("dy"), none("dh_last"),
        none("dc_last"), none("dx"), none("dh0"), none("dc0"), none("dweight_ih"),
        none("dweight_hh"), none("dbias_ih"), none("dbias_hh"), none("dpeephole"), arg("threads"));
}

}  // namespace

void register_layer(py::module_& m) {
  register_dtype<float>(m, "32");
  register_dtype<double>(m, "64");
}

}  // namespace tidegate
