// tidegate._cpu: tells the Python loader which of the other modules this CPU can run. Compiled for
// the oldest CPU of the architecture, because it is imported before anything is known about this
// one.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "base/cpu_features.hpp"

PYBIND11_MODULE(_cpu, m) {
  m.doc() = "Which ISA levels this CPU runs (private; see tidegate._loader).";
  m.def("supported_levels", &tidegate::supported_levels,
        "Names of the ISA levels that this CPU and operating system run, lowest first.");
}
