// The engine against the textbook, with the tolerances of the design, section 6.
#pragma once

#include "support/engine.hpp"
#include "support/textbook.hpp"
#include "test.hpp"

namespace tidegate_test {

// Forward values: float within 1e-6 + 1e-5 |y|, double within 1e-12 likewise.
template <class T>
double forward_tolerance(double expected) {
  return sizeof(T) == 4 ? 1e-6 + 1e-5 * std::abs(expected) : 1e-12 * (1 + std::abs(expected));
}
// Gradients, relative to the largest of their array. The design promises 1e-4 for float at H <=
// 1024; layers of the size of a test do better, and a small wrong term must not hide.
template <class T>
constexpr double kGradientTolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;

template <class T>
void report_difference(const Shape& s, const char* name, std::size_t at, double actual,
                       double expected) {
  std::ostringstream text;
  text.precision(17);
  text << describe(s) << " " << name_of<T>() << ": " << name << "[" << at << "] is " << actual
       << "; expected " << expected;
  record_failure(__FILE__, __LINE__, text.str());
}

// `tolerance` is a function of the expected value; the first difference of an array is reported.
template <class T, class Tolerance>
void check_array(const Shape& s, const char* name, const std::vector<T>& actual,
                 const std::vector<double>& expected, const Tolerance& tolerance) {
  if (actual.size() != expected.size()) {
    return record_failure(__FILE__, __LINE__, describe(s) + ": size of " + name);
  }
  for (std::size_t k = 0; k < actual.size(); ++k) {
    if (is_near(actual[k], expected[k], tolerance(expected[k]))) continue;
    return report_difference<T>(s, name, k, actual[k], expected[k]);
  }
}

template <class T>
void check_outputs(const Shape& s, const LayerOutputs<T>& actual,
                   const LayerOutputs<double>& expected) {
  const double times = s.config.layer_norm ? 2 : 1;  // it divides by small deviations
  const auto tolerance = [times](double value) { return times * forward_tolerance<T>(value); };
  if (!actual.y.empty()) check_array(s, "y", actual.y, expected.y, tolerance);
  check_array(s, "h_last", actual.h_last, expected.h_last, tolerance);
  check_array(s, "c_last", actual.c_last, expected.c_last, tolerance);
}

// Arrays that are absent from `actual` were not asked for.
template <class T>
void check_gradients(const Shape& s, LayerArrays<T> actual, LayerArrays<double> expected) {
  for (std::size_t k = 0; k < LayerArrays<T>::kCount; ++k) {
    const auto [name, got] = actual.fields()[k];
    const std::vector<double>& wanted = *expected.fields()[k].second;
    if (got->empty()) continue;
    double largest = s.config.layer_norm ? 1 : 0;  // what it sends back cancels
    for (const double value : wanted) largest = std::max(largest, std::abs(value));
    const double tolerance = kGradientTolerance<T> * largest;
    check_array(s, name, *got, wanted, [&](double) { return tolerance; });
  }
}

// Forward and backward of one layer with everything present.
template <class T>
void check_layer(const Shape& s, const EngineOptions& options = {}) {
  const auto arrays = random_arrays<T>(s, 17);
  const auto upstream = random_upstream<T>(s, 18);
  Engine<T> engine(s, arrays, options);
  check_outputs(s, engine.forward(), Textbook<double>(s, converted<double>(arrays)).forward());
  check_gradients(s, engine.backward(upstream),
                  textbook_gradients(s, converted<double>(arrays), converted<double>(upstream)));
}

}  // namespace tidegate_test
