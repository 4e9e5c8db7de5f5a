#include "sequence/layout.hpp"

#include "support/random.hpp"
#include "test.hpp"

using tidegate::forward_layout;
using tidegate::hidden_layout_of;
using tidegate::Index;
using tidegate::input_layout_of;
using tidegate::Range;
using tidegate::UnitLayout;

// Groups tile the blocks, blocks tile the units, and only the last block has padding.
template <class T>
static void check_layout(const UnitLayout<T>& layout, Index units) {
  const Index lanes = UnitLayout<T>::kLanes;
  CHECK(layout.units == units);
  CHECK(layout.padded == layout.blocks * lanes);
  CHECK(layout.padded >= units && layout.padded - units < lanes);
  Index next_block = 0, counted = 0;
  for (Index g = 0; g < layout.groups; ++g) {
    const Range blocks = layout.blocks_of(g);
    CHECK(blocks.begin == next_block && blocks.size() > 0);
    CHECK(blocks.size() == layout.group_blocks || g == layout.groups - 1);
    next_block = blocks.end;
  }
  CHECK(next_block == layout.blocks);
  for (Index block = 0; block < layout.blocks; ++block) {
    const Index valid = layout.valid(block);
    CHECK(valid >= 1 && valid <= lanes && (valid == lanes || block == layout.blocks - 1));
    counted += valid;
  }
  CHECK(counted == units);
  CHECK(layout.blocks_of(Range{0, layout.groups}).size() == layout.blocks);
}

template <class T>
static void check_layouts() {
  const Index lanes = UnitLayout<T>::kLanes;
  for (Index units = 1; units <= 40 * lanes; units += units < 3 * lanes ? 1 : lanes - 1) {
    check_layout(forward_layout<T>(units, false), units);
    check_layout(forward_layout<T>(units, true), units);
    check_layout(hidden_layout_of<T>(units), units);
    check_layout(input_layout_of<T>(units), units);
    for (const Index group_blocks : {1, 3, 4}) {
      check_layout(UnitLayout<T>(units, group_blocks), units);
    }
  }
}
TEST(layout_groups_and_blocks_tile_the_units) {
  check_layouts<float>();
  check_layouts<double>();
}

// A layer without inputs has an input layout without groups.
TEST(layout_of_no_units_is_empty) {
  const auto layout = input_layout_of<double>(0);
  CHECK(layout.blocks == 0 && layout.groups == 0 && layout.padded == 0);
  CHECK(layout.blocks_of(Range{0, 0}).size() == 0);
}

// Threads share groups: as soon as there are two blocks there are groups to share, except that a
// product with few slots takes its blocks two at a time to fill a tile.
TEST(layout_leaves_groups_for_threads) {
  const Index lanes = UnitLayout<float>::kLanes;
  CHECK(forward_layout<float>(2 * lanes, false).groups == 2);
  CHECK(forward_layout<float>(3 * lanes, true).groups == 2);
  CHECK(forward_layout<float>(16 * lanes, true).groups == 4);
  CHECK(hidden_layout_of<float>(3 * lanes).groups == 2);
  CHECK(hidden_layout_of<float>(16 * lanes).groups == 4);
}
