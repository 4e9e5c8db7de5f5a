// CellConfig from a dict of options by name: one line per option. What is absent has its default.
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "bindings/cell_kind.hpp"

namespace tidegate {

namespace py = pybind11;

inline Peephole peephole_from(const std::string& name) {
  if (name == "none") return Peephole::kNone;
  if (name == "diagonal") return Peephole::kDiagonal;
  CHECK_ARG(name == "full", "core: peephole_kind \"" << name << "\" is unknown.");
  return Peephole::kFull;
}

inline Activation activation_from(const std::string& name) {
  if (name == "tanh") return {ActivationKind::kTanh};
  if (name == "sigmoid") return {ActivationKind::kSigmoid};
  if (name == "relu") return {ActivationKind::kRelu};
  CHECK_ARG(name == "linear", "core: activation \"" << name << "\" is unknown.");
  return {ActivationKind::kLinear};
}

struct CellOption {
  const char* name;
  void (*set)(CellConfig&, const py::handle&);
};

inline const CellOption kCellOptions[] = {
    {"cell",
     [](CellConfig& c, const py::handle& v) { c.kind = cell_kind_from(v.cast<std::string>()); }},
    {"peephole_kind",
     [](CellConfig& c, const py::handle& v) { c.peephole = peephole_from(v.cast<std::string>()); }},
    {"reset_after", [](CellConfig& c, const py::handle& v) { c.reset_after = v.cast<bool>(); }},
    {"retain", [](CellConfig& c, const py::handle& v) { c.retain = v.cast<bool>(); }},
    {"activation",
     [](CellConfig& c, const py::handle& v) {
       c.activations.input = activation_from(v.cast<std::string>());
     }},
    {"recurrent_activation",
     [](CellConfig& c, const py::handle& v) {
       c.activations.recurrent = activation_from(v.cast<std::string>());
     }},
    {"output_activation",
     [](CellConfig& c, const py::handle& v) {
       c.activations.output = activation_from(v.cast<std::string>());
     }},
};

inline CellConfig config_from(const py::dict& options) {
  CellConfig config;
  for (const auto& [key, value] : options) {
    const std::string name = key.cast<std::string>();
    const CellOption* option =
        std::find_if(std::begin(kCellOptions), std::end(kCellOptions),
                     [&](const CellOption& known) { return name == known.name; });
    CHECK_ARG(option != std::end(kCellOptions), "core: option \"" << name << "\" is unknown.");
    option->set(config, value);
  }
  return config;
}

}  // namespace tidegate
