// The arrays of a layer by name: one line per array, in the order of WeightPointers.
#pragma once

#include <iterator>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "sequence/packed_weights.hpp"

namespace tidegate {

struct WeightSizes {
  Index rows, inputs, hidden, output;  // rows: G*H
};

template <class T>
struct WeightField {
  const char* name;
  const T* WeightArrays<T>::* array;
  T* WeightGradients<T>::* gradient;
  std::vector<Index> (*shape)(const CellConfig&, const WeightSizes&);
};

inline std::vector<Index> peephole_shape(const CellConfig& config, const WeightSizes& s) {
  const Index gates = config.coupled == Coupled::kNone ? 3 : 2;
  if (config.peephole == Peephole::kFull) return {gates, s.hidden, s.hidden};
  return {gates, s.hidden};
}

template <class T>
struct WeightFields {
  using Of = WeightArrays<T>;
  using To = WeightGradients<T>;
  using Axes = std::vector<Index>;

  static constexpr WeightField<T> kAll[] = {
      {"weight_ih", &Of::weight_ih, &To::weight_ih,
       [](auto&, auto& s) { return Axes{s.rows, s.inputs}; }},
      {"weight_hh", &Of::weight_hh, &To::weight_hh,
       [](auto&, auto& s) { return Axes{s.rows, s.output}; }},
      {"bias_ih", &Of::bias_ih, &To::bias_ih, [](auto&, auto& s) { return Axes{s.rows}; }},
      {"bias_hh", &Of::bias_hh, &To::bias_hh, [](auto&, auto& s) { return Axes{s.rows}; }},
      {"peephole", &Of::peephole, &To::peephole, peephole_shape},
      {"weight_hr", &Of::weight_hr, &To::weight_hr,
       [](auto&, auto& s) { return Axes{s.output, s.hidden}; }},
      {"weight_cc", &Of::weight_cc, &To::weight_cc,
       [](auto&, auto& s) { return Axes{s.hidden, s.hidden}; }},
      {"bias_cc", &Of::bias_cc, &To::bias_cc, [](auto&, auto& s) { return Axes{s.hidden}; }},
      {"gamma_ih", &Of::gamma_ih, &To::gamma_ih, [](auto&, auto& s) { return Axes{s.rows}; }},
      {"gamma_hh", &Of::gamma_hh, &To::gamma_hh, [](auto&, auto& s) { return Axes{s.rows}; }},
      {"gamma_c", &Of::gamma_c, &To::gamma_c, [](auto&, auto& s) { return Axes{s.hidden}; }},
      {"beta_c", &Of::beta_c, &To::beta_c, [](auto&, auto& s) { return Axes{s.hidden}; }},
  };
  static constexpr std::size_t kCount = std::size(kAll);

  // The place of an array in the list.
  static std::size_t at(const std::string& name) {
    for (std::size_t k = 0; k < kCount; ++k) {
      if (name == kAll[k].name) return k;
    }
    CHECK_ARG(false, "core: array \"" << name << "\" is unknown.");
    return kCount;
  }
};

}  // namespace tidegate
