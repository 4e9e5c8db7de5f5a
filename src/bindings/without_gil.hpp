// How the bindings run the engine: without the GIL, and so that Ctrl-C ends it.
#pragma once

#include <pybind11/pybind11.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/interruption.hpp"

namespace tidegate {

// Python's signal handlers run in the main thread; the others need not wait for the GIL to ask.
inline bool may_handle_signals() {
#ifdef __linux__
  return syscall(SYS_gettid) == getpid();
#else
  return true;
#endif
}

// True if the handler of a signal that came in the meantime raised an exception, which stays set.
inline bool signal_handler_raised() {
  if (!may_handle_signals()) return false;
  const pybind11::gil_scoped_acquire gil;
  return PyErr_CheckSignals() != 0;
}

// work() is pure C++ on memory that its caller keeps alive. Where a signal handler raises in the
// middle, as that of Ctrl-C does, what work() computed is worthless and this throws the exception.
template <class Work>
void run_without_gil(const Work& work) {
  bool raised = false;
  {
    const pybind11::gil_scoped_release release;
    const Interruption interruption(&signal_handler_raised);
    work();
    raised = interruption.raised();
  }
  if (raised) throw pybind11::error_already_set();
}

}  // namespace tidegate
