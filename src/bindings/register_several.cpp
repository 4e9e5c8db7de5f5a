// Functions over several LayerWeights: stack_forward and directions_forward, whose results have a
// backward, for float and double.
#include <string>

#include "bindings/direction_calls.hpp"
#include "bindings/register.hpp"
#include "bindings/stack_calls.hpp"

namespace tidegate {
namespace {

template <class T>
void register_dtype(py::module_& m, const char* suffix) {
  using py::arg;
  const auto named = [&](const char* name) { return std::string(name) + suffix; };
  m.def(named("stack_forward").c_str(), &stack_forward<T>, arg("weights"), arg("x").noconvert(),
        arg("states").noconvert(), arg("valid"), arg("training"), arg("batch_first"),
        arg("return_sequences"), arg("recompute_every"));
  m.def(named("directions_forward").c_str(), &directions_forward<T>, arg("weights"),
        arg("x").noconvert(), arg("states").noconvert(), arg("valid"), arg("training"),
        arg("batch_first"), arg("return_sequences"), arg("recompute_every"));
  py::class_<SavedStack<T>>(m, named("SavedStack").c_str())
      .def("backward", &stack_backward<T>, arg("dy").noconvert().none(true),
           arg("dstates").noconvert(), arg("need_dx"), arg("out"));
  py::class_<SavedDirections<T>>(m, named("SavedDirections").c_str())
      .def("backward", &directions_backward<T>, arg("dy").noconvert().none(true),
           arg("dstates").noconvert(), arg("need_dx"), arg("out"));
}

}  // namespace

void register_several(py::module_& m) {
  register_dtype<float>(m, "32");
  register_dtype<double>(m, "64");
}

}  // namespace tidegate
