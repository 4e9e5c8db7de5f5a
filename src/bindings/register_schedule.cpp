// ScheduleTrial: what the cost model chooses for one layer, and how long the alternatives take. For
// `tidegate bench --schedules` and the test of the cost model.
#include <pybind11/stl.h>

#include <string>

#include "bindings/cell_kind.hpp"
#include "bindings/register.hpp"
#include "bindings/schedule_trial.hpp"

namespace py = pybind11;

namespace tidegate {
namespace {

TrialPass pass_from(const std::string& name) {
  if (name == "inference") return TrialPass::kInference;
  if (name == "saving") return TrialPass::kSaving;
  CHECK_ARG(name == "backward", "core: pass \"" << name << "\" is unknown.");
  return TrialPass::kBackward;
}

std::unique_ptr<ScheduleTrial> make_trial(const std::string& cell, Index steps, Index batch,
                                          Index inputs, Index hidden, int threads) {
  CHECK_ARG(std::min({steps, batch, inputs, hidden, Index{threads}}) >= 1,
            "core: sizes and threads are at least 1.");
  CellConfig config;  // a GRU resets after
  config.kind = cell_kind_from(cell);
  return std::make_unique<ScheduleTrial>(config, Dims{steps, batch}, inputs, hidden, threads);
}

py::list alternatives(const ScheduleTrial& trial, const std::string& pass) {
  py::list listed;
  for (const Alternative& one : trial.alternatives(pass_from(pass))) {
    const Schedule::Slices slices = one.slices();
    py::dict entry;
    entry["threads"] = one.schedule.threads;
    entry["batch_slices"] = slices.batch_slices;
    entry["hidden_slices"] = slices.hidden_slices;
    entry["chunk"] = one.schedule.chunk;
    entry["estimated_ns"] = one.estimated_ns;
    entry["chosen"] = one.chosen;
    listed.append(entry);
  }
  return listed;
}

double best_seconds(ScheduleTrial& trial, const std::string& pass_name, std::size_t alternative,
                    double seconds) {
  const TrialPass pass = pass_from(pass_name);
  const std::vector<Alternative> all = trial.alternatives(pass);
  CHECK_ARG(alternative < all.size(), "core: there are " << all.size() << " alternatives.");
  const py::gil_scoped_release release;  // touches no Python object
  return trial.best_seconds(pass, all[alternative].schedule, seconds);
}

}  // namespace

void register_schedule(py::module_& m) {
  using py::arg;
  py::class_<ScheduleTrial>(m, "ScheduleTrial")
      .def(py::init(&make_trial), arg("cell"), arg("steps"), arg("batch"), arg("inputs"),
           arg("hidden"), arg("threads"))
      .def("alternatives", &alternatives, arg("pass_name"),
           "Schedules of a pass (inference, saving, backward) as dicts, the chosen one first.")
      .def("best_seconds", &best_seconds, arg("pass_name"), arg("alternative"), arg("seconds"),
           "Least time of the alternative of this index, of runs that take `seconds` together.");
}

}  // namespace tidegate
