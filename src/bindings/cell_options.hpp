// CellConfig from a dict of options by name: one line per option. What is absent has its default.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>

#include "bindings/cell_kind.hpp"

namespace tidegate {

namespace py = pybind11;

inline Peephole peephole_from(const std::string& name) {
  if (name == "none") return Peephole::kNone;
  if (name == "diagonal") return Peephole::kDiagonal;
  CHECK_ARG(name == "full", "core: peephole_kind \"" << name << "\" is unknown.");
  return Peephole::kFull;
}

inline Coupled coupled_from(const std::string& name) {
  if (name == "none") return Coupled::kNone;
  if (name == "input") return Coupled::kInput;
  CHECK_ARG(name == "forget", "core: coupled \"" << name << "\" is unknown.");
  return Coupled::kForget;
}

inline ActivationKind activation_kind_from(const std::string& name) {
  using K = ActivationKind;
  static const std::pair<const char*, K> known[] = {
      {"tanh", K::kTanh},
      {"sigmoid", K::kSigmoid},
      {"relu", K::kRelu},
      {"linear", K::kLinear},
      {"hard_sigmoid", K::kHardSigmoid},
      {"leaky_relu", K::kLeakyRelu},
      {"thresholded_relu", K::kThresholdedRelu},
      {"scaled_tanh", K::kScaledTanh},
      {"elu", K::kElu},
      {"softsign", K::kSoftsign},
      {"softplus", K::kSoftplus},
      {"affine", K::kAffine},
  };
  for (const auto& [listed, kind] : known) {
    if (name == listed) return kind;
  }
  CHECK_ARG(false, "core: activation \"" << name << "\" is unknown.");
  return K::kTanh;
}
// From (name, alpha, beta).
inline Activation activation_from(const py::handle& value) {
  const auto [name, alpha, beta] = value.cast<std::tuple<std::string, double, double>>();
  return {activation_kind_from(name), alpha, beta};
}

struct CellOption {
  const char* name;
  void (*set)(CellConfig&, const py::handle&);
};

inline const CellOption kCellOptions[] = {
    {"cell", [](auto& c, auto& v) { c.kind = cell_kind_from(py::cast<std::string>(v)); }},
    {"peephole_kind",
     [](auto& c, auto& v) { c.peephole = peephole_from(py::cast<std::string>(v)); }},
    {"reset_after", [](auto& c, auto& v) { c.reset_after = py::cast<bool>(v); }},
    {"retain", [](auto& c, auto& v) { c.retain = py::cast<bool>(v); }},
    {"coupled", [](auto& c, auto& v) { c.coupled = coupled_from(py::cast<std::string>(v)); }},
    {"decays_memory", [](auto& c, auto& v) { c.decays_memory = py::cast<bool>(v); }},
    {"layer_norm", [](auto& c, auto& v) { c.layer_norm = py::cast<bool>(v); }},
    {"activation", [](auto& c, auto& v) { c.activations.input = activation_from(v); }},
    {"recurrent_activation",
     [](auto& c, auto& v) { c.activations.recurrent = activation_from(v); }},
    {"output_activation", [](auto& c, auto& v) { c.activations.output = activation_from(v); }},
    {"clip", [](auto& c, auto& v) { c.activations.clip = py::cast<double>(v); }},
    {"cell_clip", [](auto& c, auto& v) { c.activations.cell_clip = py::cast<double>(v); }},
    {"output_clip", [](auto& c, auto& v) { c.activations.output_clip = py::cast<double>(v); }},
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
