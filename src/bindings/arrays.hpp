// Where NumPy arrays become views: shapes, strides and alignment are checked here, once per call.
// Python has normalised the arrays already (python/tidegate/_arrays.py); what is left here protects
// memory.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <initializer_list>
#include <optional>

#include "base/check.hpp"
#include "sequence/rows.hpp"

namespace tidegate {

namespace py = pybind11;

// An array of exactly T, or None.
template <class T>
using Array = py::array_t<T>;
template <class T>
using OptionalArray = std::optional<py::array_t<T>>;

inline void check_shape(const py::array& array, const char* name,
                        std::initializer_list<Index> shape) {
  bool same = array.ndim() == static_cast<Index>(shape.size());
  Index axis = 0;
  for (const Index size : shape) same = same && array.shape(axis++) == size;
  CHECK_ARG(same, "core: " << name << " has another shape than the call describes.");
}

// The memory of a C-contiguous array of the given shape; null for None.
template <class T>
const T* contiguous(const OptionalArray<T>& array, const char* name,
                    std::initializer_list<Index> shape) {
  if (!array) return nullptr;
  check_shape(*array, name, shape);
  CHECK_ARG((array->flags() & py::array::c_style) != 0 &&
                reinterpret_cast<std::uintptr_t>(array->data()) % alignof(T) == 0,
            "core: " << name << " is not C-contiguous and aligned.");
  return array->data();
}

template <class T>
T* writable(OptionalArray<T>& array, const char* name, std::initializer_list<Index> shape) {
  if (!array) return nullptr;
  CHECK_ARG(array->writeable(), "core: " << name << " is read-only.");
  return const_cast<T*>(contiguous<T>(array, name, shape));
}

// A (T, B, width) array with contiguous rows and any strides over time and batch.
template <class T>
SequenceView<const T> sequence(const OptionalArray<T>& array, const char* name, Index steps,
                               Index batch, Index width) {
  if (!array) return {};
  check_shape(*array, name, {steps, batch, width});
  constexpr Index kSize = sizeof(T);
  const bool rows = width <= 1 || array->strides(2) == kSize;
  const bool whole = array->strides(0) % kSize == 0 && array->strides(1) % kSize == 0;
  CHECK_ARG(rows && whole && reinterpret_cast<std::uintptr_t>(array->data()) % alignof(T) == 0,
            "core: the rows of " << name << " are not contiguous and aligned.");
  return {array->data(), array->strides(0) / kSize, array->strides(1) / kSize};
}

template <class T>
SequenceView<T> writable_sequence(OptionalArray<T>& array, const char* name, Index steps,
                                  Index batch, Index width) {
  if (!array) return {};
  CHECK_ARG(array->writeable(), "core: " << name << " is read-only.");
  const SequenceView<const T> view = sequence<T>(array, name, steps, batch, width);
  return {const_cast<T*>(view.data), view.step, view.row};
}

}  // namespace tidegate
