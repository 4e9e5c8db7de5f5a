// One row of a state between the caller's (B, units) arrays and the padded rows of a pass.
#pragma once

#include "sequence/layout.hpp"

namespace tidegate {

// The units of `groups`, and zeros to the end of their vectors; all zeros where `from` is null.
template <class T>
void load_state(const T* from, Index sequence, const UnitLayout<T>& layout, Range groups, T* to) {
  const Range units = layout.units_of(groups);
  if (units.size() == 0) return;
  std::fill(to + units.begin, to + round_up(units.end, UnitLayout<T>::kLanes), T(0));
  if (from != nullptr) {
    std::copy_n(from + sequence * layout.units + units.begin, units.size(), to + units.begin);
  }
}

template <class T>
void store_state(const T* from, const UnitLayout<T>& layout, Range groups, T* to, Index sequence) {
  const Range units = layout.units_of(groups);
  std::copy_n(from + units.begin, units.size(), to + sequence * layout.units + units.begin);
}

}  // namespace tidegate
