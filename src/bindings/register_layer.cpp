// LayerWeights with forward, SavedLayer with backward, for float and double.
#include <string>

#include "bindings/cell_kind.hpp"
#include "bindings/layer_calls.hpp"
#include "bindings/register.hpp"

namespace tidegate {
namespace {

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
  CHECK_ARG(peephole == "none" || peephole == "diagonal" || peephole == "full",
            "core: peephole \"" << peephole << "\" is unknown.");
  CellConfig config;
  config.kind = cell_kind_from(cell);
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
      .def("changed", &Weights::changed, "Pack again before the next call.")
      .def("forward", &forward<T>, arg("x").noconvert(), none("h0"), none("c0"), arg("training"),
           arg("batch_first"), arg("return_sequences"), arg("go_backwards"));

  py::class_<SavedLayer<T>>(m, named("SavedLayer").c_str())
      .def("backward", &backward<T>, none("dy"), none("dh_last"), none("dc_last"), arg("need_dx"),
           arg("out"));
}

}  // namespace

void register_layer(py::module_& m) {
  register_dtype<float>(m, "32");
  register_dtype<double>(m, "64");
}

}  // namespace tidegate
