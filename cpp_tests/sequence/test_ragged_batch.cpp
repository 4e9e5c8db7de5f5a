#include "sequence/ragged_batch.hpp"

#include <algorithm>

#include "sequence/active_rows.hpp"
#include "sequence/rows.hpp"
#include "test.hpp"

using tidegate::ActiveRows;
using tidegate::Dims;
using tidegate::Index;
using tidegate::RaggedBatch;
using tidegate::Range;

// The example of ragged_batch.hpp.
constexpr bool kMask[] = {true, false, false, false, true,  false,
                          true, true,  true,  true,  false, false};
constexpr Dims kDims{4, 3};

TEST(ragged_batch_sorts_rows_and_finds_their_times) {
  const RaggedBatch ragged = RaggedBatch::from_mask(kMask, kDims, false);
  const Index batch_of[] = {1, 2, 0}, counts[] = {3, 2, 1};
  const Index times[] = {0, 0, 0, 2, 1, 3};
  CHECK(ragged.steps() == 3 && ragged.times() == 4 && ragged.batch() == 3 && ragged.total() == 6);
  for (Index k = 0; k < 3; ++k) {
    CHECK(ragged.batch_of(k) == batch_of[k] && ragged.count(k) == counts[k]);
    CHECK(ragged.length(k) == 3 - k);
  }
  for (Index row = 0; row < 6; ++row) {
    const auto [s, j] = ragged.at(row);
    CHECK(ragged.row(s, j) == row && ragged.time_of(s, j) == times[row]);
  }
  CHECK(ragged.next_time(0, 0) == 2 && ragged.next_time(2, 0) == 4 && ragged.next_time(1, 1) == 4);
  CHECK(ragged.row(3, 0) == 6);
}

TEST(ragged_batch_backwards_counts_from_the_end) {
  const RaggedBatch masked = RaggedBatch::from_mask(kMask, kDims, true);
  CHECK(masked.time_of(0, 0) == 0 && masked.time_of(1, 0) == 1 && masked.time_of(2, 0) == 3);
  CHECK(masked.time_of(0, 1) == 2 && masked.time_of(1, 1) == 3 && masked.time_of(0, 2) == 3);
  const std::int64_t lengths[] = {1, 4, 2};
  const RaggedBatch ragged = RaggedBatch::from_lengths(lengths, kDims, true);
  CHECK(ragged.batch_of(0) == 1 && ragged.batch_of(1) == 2 && ragged.batch_of(2) == 0);
  CHECK(ragged.time_of(0, 0) == 0 && ragged.time_of(0, 1) == 2 && ragged.time_of(0, 2) == 3);
}

TEST(ragged_batch_names_every_gap) {
  const RaggedBatch ragged = RaggedBatch::from_mask(kMask, kDims, true);
  std::vector<Index> seen;
  for (Index j = 0; j < 3; ++j) {
    ragged.for_each_gap(j, [&](Range times, Index before) {
      seen.insert(seen.end(), {j, times.begin, times.end, before});
    });
  }
  CHECK((seen == std::vector<Index>{0, 2, 3, 1, 1, 0, 2, -1, 2, 0, 3, -1}));
}

// Segments hold every step and every gap once, rows in the order of the whole.
TEST(ragged_batch_segments_share_steps_and_gaps) {
  constexpr Index kSteps = 9, kBatch = 7;
  bool mask[kBatch * kSteps];
  for (Index k = 0; k < kBatch * kSteps; ++k) mask[k] = k >= kSteps && k * k % 11 < k / kSteps;
  const RaggedBatch ragged = RaggedBatch::from_mask(mask, {kSteps, kBatch}, false);
  for (Index every = 1; every <= ragged.steps(); ++every) {
    std::vector<int> seen(kBatch * kSteps, 0);
    for (Index begin = 0; begin < ragged.steps(); begin += every) {
      const Index end = std::min(ragged.steps(), begin + every);
      const RaggedBatch part = ragged.segment({begin, end});
      CHECK(part.steps() == end - begin && part.times() == kSteps && part.batch() == kBatch);
      CHECK(part.total() == ragged.row(end, 0) - ragged.row(begin, 0));
      for (Index j = 0; j < kBatch; ++j) {
        CHECK(part.batch_of(j) == ragged.batch_of(j));
        const auto see = [&](Index time) { ++seen[static_cast<std::size_t>(j * kSteps + time)]; };
        for (Index s = 0; s < part.length(j); ++s) {
          CHECK(part.time_of(s, j) == ragged.time_of(begin + s, j));
          CHECK(part.next_time(s, j) == ragged.next_time(begin + s, j));
          see(part.time_of(s, j));
        }
        part.for_each_gap(j, [&](Range times, Index before) {
          CHECK(before == -1 || part.time_of(before, j) == times.begin - 1);
          for (Index time = times.begin; time < times.end; ++time) see(time);
        });
      }
    }
    CHECK(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
  }
}

TEST(ragged_batch_of_nothing_has_no_steps) {
  const std::int64_t lengths[] = {0, 0};
  const RaggedBatch ragged = RaggedBatch::from_lengths(lengths, {5, 2}, false);
  CHECK(ragged.steps() == 0 && ragged.total() == 0 && ragged.batch() == 2);
  int gaps = 0;
  ragged.for_each_gap(1, [&](Range times, Index before) {
    gaps += times.begin == 0 && times.end == 5 && before == -1;
  });
  CHECK(gaps == 1);
}

// Slices follow each other, cover every row, and differ by no more than the longest row.
TEST(ragged_batch_slices_have_about_as_many_steps) {
  const std::int64_t lengths[] = {9, 1, 0, 7, 30, 2, 2, 0, 16, 5, 4, 11};
  const RaggedBatch ragged = RaggedBatch::from_lengths(lengths, {30, 12}, false);
  for (Index parts = 1; parts <= 14; ++parts) {
    Index end = 0;
    for (Index part = 0; part < parts; ++part) {
      const Range rows = ragged.slice(parts, part);
      CHECK(rows.begin == end && rows.end >= rows.begin);
      end = rows.end;
      Index steps = 0;
      for (Index j = rows.begin; j < rows.end; ++j) steps += ragged.length(j);
      CHECK(steps <= ragged.total() / parts + 31);
    }
    CHECK(end == 12);
  }
}

static void check_neighbours(const ActiveRows& rows) {
  for (Index row = 0; row + 1 < rows.total(); ++row) {
    const auto [s, j] = rows.at(row);
    const auto [next_s, next_j] = rows.at(row + 1);
    const auto after = rows.after({s, j}), before = rows.before({next_s, next_j});
    CHECK(after.s == next_s && after.j == next_j && before.s == s && before.j == j);
  }
}
TEST(active_rows_know_their_neighbours) {
  check_neighbours({4, 3});
  check_neighbours({5, 1});
  check_neighbours(RaggedBatch::from_mask(kMask, kDims, false));
}

TEST(active_rows_of_all_are_the_batch) {
  const ActiveRows rows{4, 3};
  CHECK(rows.total() == 12 && rows.count(2) == 3 && rows.row(2, 1) == 7 && rows.length(1) == 4);
  CHECK(rows.at(7).s == 2 && rows.at(7).j == 1 && rows.batch_of(2) == 2 && rows.mean_batch() == 3);
}

TEST(active_rows_of_a_slice_shrink) {
  const RaggedBatch ragged = RaggedBatch::from_mask(kMask, kDims, false);
  const ActiveRows rows(ragged);
  CHECK(rows.steps == 3 && rows.mean_batch() == 2);
  CHECK(rows.active({1, 3}, 0).size() == 2 && rows.active({1, 3}, 1).size() == 1);
  CHECK(rows.active({1, 3}, 2).size() == 0 && rows.active({0, 2}, 2).end == 1);
}

TEST(views_over_a_ragged_batch_find_its_rows) {
  const RaggedBatch ragged = RaggedBatch::from_mask(kMask, kDims, false);
  float memory[12];
  const tidegate::SequenceView<float> view =
      tidegate::SequenceView<float>{memory, 3, 1}.over(ActiveRows(ragged));
  CHECK(view.at(2, 0) - memory == 3 * 3 + 1 && view.at(1, 1) - memory == 3 + 2 && view.has_gaps());
  const auto compact = tidegate::compact_view(ActiveRows(ragged), memory, 2);
  CHECK(compact.at(2, 0) - memory == 5 * 2 && !compact.has_gaps());
}
