// LayerWeights with forward, SavedLayer with backward, for float and double.
#include <string>

#include "bindings/cell_options.hpp"
#include "bindings/layer_calls.hpp"
#include "bindings/register.hpp"

namespace tidegate {
namespace {

template <class T>
void register_dtype(py::module_& m, const char* suffix) {
  using py::arg;
  const auto named = [&](const char* name) { return std::string(name) + suffix; };
  // Arrays must already have the dtype: a silent conversion would write into a copy.
  const auto none = [](const char* name) { return arg(name).noconvert().none(true); };
  using Weights = LayerWeights<T>;
  py::class_<Weights, std::shared_ptr<Weights>>(m, named("LayerWeights").c_str())
      .def(py::init([](const py::dict& options, const py::dict& arrays) {
             return std::make_shared<Weights>(config_from(options), arrays);
           }),
           arg("options"), arg("arrays"), "Both by name; see cell_options and weight_fields.")
      .def("changed", &Weights::changed, "Pack again before the next call.")
      .def("forward", &forward<T>, arg("x").noconvert(), none("h0"), none("c0"), arg("valid"),
           arg("training"), arg("batch_first"), arg("return_sequences"), arg("go_backwards"),
           none("scale"), arg("product_only"), none("keep"), arg("return_cell_states"),
           arg("recompute_every"), none("memory"));

  py::class_<SavedLayer<T>>(m, named("SavedLayer").c_str())
      .def("backward", &backward<T>, none("dy"), none("dh_last"), none("dc_last"), arg("need_dx"),
           arg("out"), arg("need_dscale"), none("dcell_states"), arg("need_dmemory"));
}

}  // namespace

void register_layer(py::module_& m) {
  py::class_<Validity>(m, "Validity")
      .def(py::init([](OptionalArray<std::int64_t> lengths, OptionalArray<bool> mask,
                       std::string masked_output) {
             return Validity{std::move(lengths), std::move(mask), std::move(masked_output)};
           }),
           py::arg("lengths").noconvert().none(true), py::arg("mask").noconvert().none(true),
           py::arg("masked_output"));
  register_dtype<float>(m, "32");
  register_dtype<double>(m, "64");
}

}  // namespace tidegate
