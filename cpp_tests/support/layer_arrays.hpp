// The shape and the arrays of one layer and one call, shared by the textbook and the engine's
// driver.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cells/config.hpp"
#include "support/floating.hpp"
#include "support/random.hpp"

namespace tidegate_test {

using tidegate::Activation;
using tidegate::ActivationKind;
using tidegate::CellConfig;
using tidegate::CellKind;
using tidegate::Coupled;
using tidegate::Peephole;

struct Shape {
  CellConfig config;
  Index steps, batch, inputs, units;
  std::vector<bool> mask = {};  // (B, T), in the order of the pass; empty where every step is valid
  bool hold = false;            // y repeats itself at invalid steps; else it is 0 there

  bool valid(Index t, Index b) const { return mask.empty() || mask[at(b * steps + t)]; }
  bool has_c() const { return config.kind == CellKind::kLstm; }
  bool is_coupled() const { return config.coupled != Coupled::kNone; }
  Index gates() const {
    if (has_c()) return is_coupled() ? 3 : 4;
    return config.kind == CellKind::kGru ? 3 : 1;
  }
  Index peephole_size() const {
    if (!has_c() || config.peephole == Peephole::kNone) return 0;
    return (is_coupled() ? 2 : 3) * units * (config.peephole == Peephole::kFull ? units : 1);
  }
};

// What a layer reads, and in the same places the gradients by it. An empty array is an absent one.
template <class R>
struct LayerArrays {
  std::vector<R> weight_ih, weight_hh, bias_ih, bias_hh, peephole;
  std::vector<R> x;                                    // (T, B, I)
  std::vector<R> h0, c0;                               // (B, H)
  std::vector<R> weight_cc, bias_cc, memory_decay;     // of a T-LSTM; the decay is (T, B)
  std::vector<R> gamma_ih, gamma_hh, gamma_c, beta_c;  // of layer normalisation

  static constexpr std::size_t kCount = 15;
  std::array<std::pair<const char*, std::vector<R>*>, kCount> fields() {
    return {{{"weight_ih", &weight_ih},
             {"weight_hh", &weight_hh},
             {"bias_ih", &bias_ih},
             {"bias_hh", &bias_hh},
             {"peephole", &peephole},
             {"x", &x},
             {"h0", &h0},
             {"c0", &c0},
             {"weight_cc", &weight_cc},
             {"bias_cc", &bias_cc},
             {"memory_decay", &memory_decay},
             {"gamma_ih", &gamma_ih},
             {"gamma_hh", &gamma_hh},
             {"gamma_c", &gamma_c},
             {"beta_c", &beta_c}}};
  }
};

// What a layer returns, and in the same places the gradients that arrive from above.
template <class R>
struct LayerOutputs {
  std::vector<R> y;               // (T, B, H)
  std::vector<R> h_last, c_last;  // (B, H)
};

template <class To, class From>
std::vector<To> converted(const std::vector<From>& values) {
  std::vector<To> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(),
                 [](const From& value) { return static_cast<To>(value); });
  return result;
}
template <class To, class From>
LayerArrays<To> converted(LayerArrays<From> arrays) {
  LayerArrays<To> result;
  for (std::size_t k = 0; k < LayerArrays<To>::kCount; ++k) {
    *result.fields()[k].second = converted<To>(*arrays.fields()[k].second);
  }
  return result;
}
template <class To, class From>
LayerOutputs<To> converted(const LayerOutputs<From>& from) {
  return {converted<To>(from.y), converted<To>(from.h_last), converted<To>(from.c_last)};
}

// Weights of the usual scale, 1/sqrt(H), and states that are not zero.
template <class R>
LayerArrays<R> random_arrays(const Shape& s, std::uint64_t seed) {
  Random random(seed);
  const double scale = 1.2 / std::sqrt(static_cast<double>(s.units));
  const Index rows = s.gates() * s.units, state = s.batch * s.units;
  LayerArrays<R> arrays;
  arrays.weight_ih = random.values<R>(rows * s.inputs, scale);
  arrays.weight_hh = random.values<R>(rows * s.units, scale);
  arrays.bias_ih = random.values<R>(rows, 0.5);
  arrays.bias_hh = random.values<R>(rows, 0.5);
  arrays.peephole = random.values<R>(s.peephole_size(), scale);
  arrays.x = random.values<R>(s.steps * s.batch * s.inputs);
  arrays.h0 = random.values<R>(state, 0.8);
  if (s.has_c()) arrays.c0 = random.values<R>(state, 0.8);
  const auto positive = [&](Index size, double low, double high) {
    std::vector<R> values(at(size));
    for (R& value : values) value = static_cast<R>(random.uniform(low, high));
    return values;
  };
  if (s.config.decays_memory) {
    arrays.weight_cc = random.values<R>(s.units * s.units, scale);
    arrays.bias_cc = random.values<R>(s.units, 0.5);
    arrays.memory_decay = positive(s.steps * s.batch, 0.1, 1);
  }
  if (s.config.layer_norm) {
    arrays.gamma_ih = positive(rows, 0.5, 1.5);
    arrays.gamma_hh = positive(rows, 0.5, 1.5);
    if (s.has_c()) arrays.gamma_c = positive(s.units, 0.5, 1.5);
    if (s.has_c()) arrays.beta_c = random.values<R>(s.units, 0.5);
  }
  return arrays;
}
template <class R>
LayerOutputs<R> random_upstream(const Shape& s, std::uint64_t seed) {
  Random random(seed);
  const Index state = s.batch * s.units;
  return {random.values<R>(s.steps * state), random.values<R>(state),
          s.has_c() ? random.values<R>(state) : std::vector<R>{}};
}

// LSTM with every peephole, all four GRUs, the simple RNN; default activations.
inline std::vector<CellConfig> plain_cells() {
  std::vector<CellConfig> cells;
  for (const Peephole peephole : {Peephole::kNone, Peephole::kDiagonal, Peephole::kFull}) {
    cells.push_back({CellKind::kLstm, peephole, true, true, {}});
  }
  for (const bool reset_after : {true, false}) {
    for (const bool retain : {true, false}) {
      cells.push_back({CellKind::kGru, Peephole::kNone, reset_after, retain, {}});
    }
  }
  cells.push_back({CellKind::kRnn, Peephole::kNone, true, true, {}});
  return cells;
}

// And LSTMs with coupled gates, the T-LSTM, and cells that are normalised.
inline std::vector<CellConfig> all_cells() {
  std::vector<CellConfig> cells = plain_cells();
  const auto lstm = [](Peephole peephole, Coupled coupled, bool decays_memory, bool layer_norm) {
    return CellConfig{CellKind::kLstm, peephole,      true,      true, {},
                      coupled,         decays_memory, layer_norm};
  };
  cells.push_back(lstm(Peephole::kNone, Coupled::kInput, false, false));
  cells.push_back(lstm(Peephole::kDiagonal, Coupled::kForget, false, false));
  cells.push_back(lstm(Peephole::kFull, Coupled::kInput, false, false));
  cells.push_back(lstm(Peephole::kNone, Coupled::kNone, true, false));
  cells.push_back(lstm(Peephole::kNone, Coupled::kNone, false, true));
  cells.push_back(lstm(Peephole::kDiagonal, Coupled::kForget, false, true));
  for (const CellKind kind : {CellKind::kGru, CellKind::kRnn}) {
    cells.push_back({kind, Peephole::kNone, true, true, {}, Coupled::kNone, false, true});
  }
  return cells;
}

inline std::string describe(const Shape& s) {
  static const char* const kActivations[] = {"tanh", "sigmoid", "relu", "linear"};
  static const char* const kPeepholes[] = {"", " diagonal", " full"};
  const CellConfig& c = s.config;
  const auto name = [](const Activation& a) { return kActivations[static_cast<int>(a.kind)]; };
  std::ostringstream text;
  text << (s.has_c() ? "lstm" : c.kind == CellKind::kGru ? "gru" : "rnn");
  if (s.has_c()) text << kPeepholes[static_cast<int>(c.peephole)];
  if (s.is_coupled()) text << (c.coupled == Coupled::kInput ? " coupled input" : " coupled forget");
  text << (c.decays_memory ? " T-LSTM" : "") << (c.layer_norm ? " normalised" : "");
  if (c.kind == CellKind::kGru) {
    text << (c.reset_after ? " after" : " before") << (c.retain ? " retain" : " replace");
  }
  text << " " << name(c.activations.input) << "/" << name(c.activations.recurrent) << "/"
       << name(c.activations.output) << " T" << s.steps << " B" << s.batch << " I" << s.inputs
       << " H" << s.units
       << (s.mask.empty() ? ""
           : s.hold       ? " ragged, hold"
                          : " ragged");
  return text.str();
}

}  // namespace tidegate_test
