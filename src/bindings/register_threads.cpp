// The thread setting of the process: one atomic number, so nothing can be left locked by Ctrl-C or
// a fork. OpenMP's own setting is read, never changed.
#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <atomic>

#include "bindings/register.hpp"
#include "bindings/thread_setting.hpp"

namespace py = pybind11;

namespace tidegate {
namespace {

std::atomic<int> setting{0};  // 0: not set, and no default found yet
int openmp_limit_at_import = 0;

// OpenMP's own limit for the calling thread; 0 in a serial build. It moves when threadpoolctl or
// the program calls omp_set_num_threads, which tidegate itself never does.
int openmp_max_threads() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 0;
#endif
}

}  // namespace

int num_threads() {
  int count = setting.load(std::memory_order_relaxed);
  if (count == 0) {
    // Two threads may find it twice: it is the same number.
    const auto find = py::module_::import("tidegate._cpus").attr("default_num_threads");
    count = find().cast<int>();
    setting.store(count, std::memory_order_relaxed);
  }
  const int limit = openmp_max_threads();
  return limit > 0 && limit < openmp_limit_at_import ? std::min(count, limit) : count;
}

void register_threads(py::module_& m) {
  openmp_limit_at_import = openmp_max_threads();
  m.def("num_threads", &num_threads, "How many threads a call may use now.");
  m.def(
      "set_num_threads", [](int count) { setting.store(count, std::memory_order_relaxed); },
      py::arg("count"), "As checked by tidegate.set_num_threads.");
  m.def("openmp_max_threads", &openmp_max_threads,
        "omp_get_max_threads() of the calling thread; 0 in a serial build.");
}

}  // namespace tidegate
