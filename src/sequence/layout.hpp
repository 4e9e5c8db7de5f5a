// How H hidden units become vectors: blocks of one lane each, and groups of blocks that one product
// finishes together and one thread owns. A group's row holds [slot][block of the group][lanes].
#pragma once

#include <algorithm>

#include "math/lane.hpp"

namespace tidegate {

template <class T>
struct UnitLayout {
  static constexpr Index kLanes = Lane<T>::kSize;

  Index units;         // H
  Index blocks;        // of kLanes units; the last may be partly empty
  Index padded;        // blocks * kLanes
  Index group_blocks;  // blocks of every group but perhaps the last
  Index groups;

  UnitLayout(Index units_, Index group_blocks_)
      : units(units_),
        blocks(ceil_div(units_, kLanes)),
        padded(blocks * kLanes),
        group_blocks(group_blocks_),
        groups(ceil_div(blocks, group_blocks_)) {}

  Range blocks_of(Index group) const { return blocks_of(Range{group, group + 1}); }
  Range blocks_of(Range some) const {
    return {std::min(blocks, some.begin * group_blocks), std::min(blocks, some.end * group_blocks)};
  }
  // Units of groups, without the padding.
  Range units_of(Range of) const {
    const auto unit_at = [&](Index group) {
      return std::min(units, group * group_blocks * kLanes);
    };
    return {unit_at(of.begin), unit_at(of.end)};
  }
  // Units of a block that exist.
  Index valid(Index block) const { return std::min(kLanes, units - block * kLanes); }
};

// Blocks per group on the way forward: enough vectors for a full register tile in every phase, but
// several groups, so that threads can share them.
template <class T>
UnitLayout<T> forward_layout(Index units, bool few_slots) {
  const Index blocks = ceil_div(units, UnitLayout<T>::kLanes);
  return {units, !few_slots ? 1 : blocks >= 16 ? 4 : blocks >= 2 ? 2 : 1};
}

// Blocks per group of dh, which threads share like the forward groups.
template <class T>
UnitLayout<T> hidden_layout_of(Index units) {
  const Index blocks = ceil_div(units, UnitLayout<T>::kLanes);
  return {units, blocks >= 8 ? 4 : blocks >= 2 ? 2 : 1};
}

// Blocks per group of dx, whose rows are shared instead.
template <class T>
UnitLayout<T> input_layout_of(Index units) {
  return {units, std::clamp<Index>(ceil_div(units, UnitLayout<T>::kLanes), 1, 4)};
}

}  // namespace tidegate
