// Where the rows of a product's operand lie: at a constant distance, or wherever a function says.
// Products take this one type, so that they are compiled once and not for every caller.
#pragma once

#include <type_traits>

#include "base/index.hpp"

namespace tidegate {

template <class T>
class OperandRows {
 public:
  OperandRows(const T* first, Index stride) : first_(first), stride_(stride) {}
  // row_of(r) is the address of row r. It is not copied, so it must have a name.
  template <class RowOf,
            class = std::enable_if_t<std::is_invocable_r_v<const T*, const RowOf&, Index>>>
  OperandRows(const RowOf& row_of) : row_of_(&row_of), call_(&call<RowOf>) {}
  template <class RowOf,
            class = std::enable_if_t<std::is_invocable_r_v<const T*, const RowOf&, Index>>>
  OperandRows(const RowOf&& row_of) = delete;

  // The same rows from element k on.
  OperandRows from(Index k) const {
    OperandRows rows = *this;
    if (call_ != nullptr) {
      rows.skipped_ += k;
    } else {
      rows.first_ += k;
    }
    return rows;
  }

  // Writes where the rows of `range` begin.
  void locate(Range range, const T** to) const {
    if (call_ != nullptr) {
      for (Index r = range.begin; r < range.end; ++r) *to++ = call_(row_of_, r) + skipped_;
      return;
    }
    const T* row = first_ + range.begin * stride_;
    for (Index r = range.begin; r < range.end; ++r, row += stride_) *to++ = row;
  }

 private:
  template <class RowOf>
  static const T* call(const void* row_of, Index r) {
    return (*static_cast<const RowOf*>(row_of))(r);
  }

  const T* first_ = nullptr;
  Index stride_ = 0, skipped_ = 0;
  const void* row_of_ = nullptr;
  const T* (*call_)(const void*, Index) = nullptr;
};

}  // namespace tidegate
