#include "sequence/rows.hpp"

#include <set>
#include <vector>

#include "test.hpp"

using tidegate::History;
using tidegate::Index;
using tidegate::SequenceView;

TEST(rows_view_takes_any_strides) {
  std::vector<float> memory(3 * 5 * 4);
  const auto offset = [&](const SequenceView<float>& view, Index t, Index b) {
    return view.at(t, b) - memory.data();
  };
  const SequenceView<float> time_first{memory.data(), 5 * 4, 4};
  const SequenceView<float> batch_first{memory.data(), 4, 3 * 4};
  const SequenceView<float> reversed{memory.data() + 2 * 20, -20, 4};
  for (Index t = 0; t < 3; ++t) {
    for (Index b = 0; b < 5; ++b) {
      CHECK(offset(time_first, t, b) == t * 20 + b * 4);
      CHECK(offset(batch_first, t, b) == b * 12 + t * 4);
      CHECK(offset(reversed, t, b) == (2 - t) * 20 + b * 4);
    }
  }
  CHECK(time_first && !SequenceView<float>{});
}

// Distinct rows among times 0..times and all batches; each is `padded` elements inside one buffer.
static std::size_t distinct_rows(const History<double>& history, Index times) {
  std::set<const double*> rows;
  for (Index t = 0; t < times; ++t) {
    for (Index b = 0; b < 3; ++b) rows.insert(history.at(t, b));
  }
  const double* first = *rows.begin();
  for (const double* row : rows) CHECK((row - first) % 8 == 0);
  return rows.size();
}

TEST(rows_history_keeps_what_it_says) {
  History<double> history;
  history.hold_all({6, 3}, 8);
  CHECK(distinct_rows(history, 6) == 18);
  history.hold_all_and_first({5, 3}, 8);
  CHECK(distinct_rows(history, 6) == 18);
  history.hold_last(3, 8);
  CHECK(distinct_rows(history, 6) == 3);
  history.hold_last_two(3, 8);
  CHECK(distinct_rows(history, 6) == 6);
  for (Index t = 0; t < 5; ++t) {
    CHECK(history.at(t, 1) != history.at(t + 1, 1));
    CHECK(history.at(t, 1) == history.at(t + 2, 1));
  }
}

TEST(rows_history_too_large_is_bad_alloc) {
  History<float> history;
  history.hold_last(2, 4);
  const float* const before = history.at(0, 1);
  CHECK_THROWS(history.hold_all({Index{1} << 40, Index{1} << 20}, 16), "bad_alloc");
  CHECK(history.at(0, 1) == before && history.at(1, 1) == before);
}
