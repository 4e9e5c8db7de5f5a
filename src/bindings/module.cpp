// The core module of one ISA level: a table of contents.
#include "bindings/register.hpp"

PYBIND11_MODULE(TIDEGATE_MODULE_NAME, m) {
  m.doc() = "Compiled core of tidegate for ISA level " TIDEGATE_ISA_NAME " (private).";
  tidegate::register_config(m);
  tidegate::register_threads(m);
  tidegate::register_layer(m);
  tidegate::register_several(m);
  tidegate::register_stream(m);
  tidegate::register_optimizer(m);
  tidegate::register_probe(m);
  tidegate::register_schedule(m);
}
