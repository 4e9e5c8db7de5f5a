// Where NumPy arrays become views. Python has settled their dtype (python/tidegate/_arrays.py);
// shapes, strides and alignment are settled here, once per call, with a copy only where rows do not
// lie as the engine reads them.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/check.hpp"
#include "sequence/rows.hpp"

namespace tidegate {

namespace py = pybind11;

// An array of exactly T, or None.
template <class T>
using Array = py::array_t<T>;
template <class T>
using OptionalArray = std::optional<py::array_t<T>>;

template <std::size_t axes>
using Shape = std::array<Index, axes>;

// A shape as Python writes it, such as (4, 2) or (4,).
inline std::string shape_text(const Index* sizes, Index axes) {
  std::string text = "(";
  for (Index k = 0; k < axes; ++k) text += (k == 0 ? "" : ", ") + std::to_string(sizes[k]);
  return text + (axes == 1 ? ",)" : ")");
}

inline std::string shape_text(const py::array& array) {
  return shape_text(array.shape(), array.ndim());
}

// `name` says who was called and which array it is; `why` ends the sentence. A shape is a Shape or
// a vector of sizes.
template <class AnyShape>
void check_shape(const py::array& array, const char* name, const AnyShape& shape,
                 const char* why = "") {
  CHECK_ARG(array.ndim() == static_cast<Index>(shape.size()) &&
                std::equal(shape.begin(), shape.end(), array.shape()),
            name << " has shape " << shape_text(array) << "; expected "
                 << shape_text(shape.data(), static_cast<Index>(shape.size())) << why << ".");
}

template <class T>
const T* data_of(const OptionalArray<T>& array) {
  return array ? array->data() : nullptr;
}
template <class T>
T* writable_data_of(OptionalArray<T>& array) {
  return array ? array->mutable_data() : nullptr;
}

inline void make_read_only(py::array& array) {
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
}

template <class T>
bool is_contiguous(const Array<T>& array) {
  return (array.flags() & py::array::c_style) != 0 &&
         reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0;
}

// The same array, or a C-contiguous and aligned copy.
template <class T>
Array<T> contiguous_copy(const Array<T>& array) {
  constexpr int kFlags = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  return py::array_t<T, kFlags>(array);
}

// The memory of a C-contiguous array of the given shape; null for None.
template <class T, class AnyShape>
const T* contiguous(const OptionalArray<T>& array, const char* name, const AnyShape& shape) {
  if (!array) return nullptr;
  check_shape(*array, name, shape);
  CHECK_ARG(is_contiguous(*array), name << " is not C-contiguous and aligned.");
  return array->data();
}

template <class T, std::size_t axes>
T* writable(OptionalArray<T>& array, const char* name, const Shape<axes>& shape) {
  if (!array) return nullptr;
  CHECK_ARG(array->writeable(), name << " is read-only.");
  return const_cast<T*>(contiguous(array, name, shape));
}

// A new array, its values undefined. A size that no address can count is std::bad_alloc, which
// Python sees as MemoryError.
template <class T, std::size_t axes>
Array<T> new_array(const Shape<axes>& shape) {
  Index size = sizeof(T);
  for (const Index n : shape) size = n == 0 ? 0 : checked_product(size, n);
  return Array<T>(shape);
}

// How a caller's sequences lie, (T, B, width) or (B, T, width), and at which end a pass begins.
struct SequenceLayout {
  bool batch_first, go_backwards;

  Shape<3> shape(Dims dims, Index width) const {
    return batch_first ? Shape<3>{dims.batch, dims.steps, width}
                       : Shape<3>{dims.steps, dims.batch, width};
  }
  Dims dims(const py::array& array) const {
    return {array.shape(batch_first ? 1 : 0), array.shape(batch_first ? 0 : 1)};
  }

  // Of an array with contiguous, aligned rows: its steps in the order in which they are run.
  template <class T>
  SequenceView<const T> view(const Array<T>& array) const {
    constexpr Index kSize = sizeof(T);
    const std::array<Index, 2> strides{array.strides(0) / kSize, array.strides(1) / kSize};
    return view_of(strides, array.data(), dims(array).steps);
  }
  // The same of bare memory, with the strides of the first two axes in elements.
  template <class T>
  SequenceView<const T> view_of(std::array<Index, 2> strides, const T* data, Index steps) const {
    const Index step = strides[batch_first ? 1 : 0], row = strides[batch_first ? 0 : 1];
    if (go_backwards) return {data + (steps - 1) * step, -step, row};
    return {data, step, row};
  }
  template <class T>
  SequenceView<T> writable_view(Array<T>& array) const {
    const SequenceView<const T> v = view<T>(array);
    return {const_cast<T*>(v.data), v.step, v.row};
  }
};

// An array of three axes whose rows are contiguous and aligned: the same, or a copy.
template <class T>
Array<T> with_contiguous_rows(const Array<T>& array) {
  constexpr Index kSize = sizeof(T);
  const bool rows = array.shape(2) <= 1 || array.strides(2) == kSize;
  const bool whole = array.strides(0) % kSize == 0 && array.strides(1) % kSize == 0;
  const bool aligned = reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0;
  return rows && whole && aligned ? array : contiguous_copy(array);
}

}  // namespace tidegate
