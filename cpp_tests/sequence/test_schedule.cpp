// However a call is divided, every row of the batch and every group of units has one owner.
#include "sequence/schedule.hpp"

#include <vector>

#include "support/random.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::choose_schedule;
using tidegate::even_slice;
using tidegate::Range;
using tidegate::Schedule;
using tidegate::Work;

static Work work_with(Index steps, Index batch, Index units, Index groups) {
  const Index slots = 4, element_bytes = 4;
  return {steps,        batch, 32, units, slots, 1, groups, slots * units * units * element_bytes,
          element_bytes};
}

// Counts the owners of each (row, group) as the time loop would compute them.
static bool has_one_owner_each(const Schedule& s, int team, Index batch, Index groups) {
  std::vector<int> owners(at(batch * groups), 0);
  bool sound = true;
  for (int thread = 0; thread < team; ++thread) {
    const Schedule::Slices part = s.slices_of(thread, team);
    sound = sound && part.batch_slices * part.hidden_slices == team;
    sound = sound && part.batch_slice >= 0 && part.batch_slice < part.batch_slices;
    sound = sound && part.hidden_slice >= 0 && part.hidden_slice < part.hidden_slices;
    if (!sound) return false;
    const Range rows = even_slice(batch, part.batch_slices, part.batch_slice);
    const Range mine = even_slice(groups, part.hidden_slices, part.hidden_slice);
    for (Index row = rows.begin; row < rows.end; ++row) {
      for (Index g = mine.begin; g < mine.end; ++g) ++owners[at(row * groups + g)];
    }
  }
  for (const int count : owners) sound = sound && count == 1;
  return sound;
}

TEST(schedule_gives_each_row_and_group_one_owner) {
  for (const int threads : {1, 2, 3, 4, 5, 8, 12, 16, 64}) {
    for (const Index batch : {1, 2, 5, 6, 7, 12, 23, 64}) {
      for (const Index groups : {1, 2, 3, 4, 7, 16}) {
        for (const Index units : {4, 64, 1024}) {
          const Schedule s = choose_schedule(work_with(50, batch, units, groups), threads);
          CHECK(s.threads >= 1 && s.threads <= threads);
          // The runtime may grant any smaller team.
          for (int team = 1; team <= s.threads; ++team)
            CHECK(has_one_owner_each(s, team, batch, groups));
        }
      }
    }
  }
}

// Threads that share rows wait for each other: their count is the number of hidden slices.
TEST(schedule_sharers_of_a_batch_slice_are_its_hidden_slices) {
  for (int threads = 1; threads <= 16; ++threads) {
    for (const Index groups : {1, 3, 4}) {
      const Schedule s = choose_schedule(work_with(100, 40, 512, groups), threads);
      std::vector<Index> sharers(at(s.threads), 0);
      for (int t = 0; t < s.threads; ++t) ++sharers[at(s.slices_of(t, s.threads).batch_slice)];
      const Schedule::Slices any = s.slices_of(0, s.threads);
      for (Index b = 0; b < s.threads; ++b) {
        CHECK(sharers[at(b)] == (b < any.batch_slices ? any.hidden_slices : 0));
      }
    }
  }
}

TEST(schedule_chunks_stay_within_the_steps) {
  for (const Index steps : {1, 2, 7, 1000}) {
    for (const Index batch : {1, 16, 4096}) {
      for (const Index units : {1, 100, 2000}) {
        const Schedule s = choose_schedule(work_with(steps, batch, units, 4), 2);
        CHECK(s.chunk >= 1 && s.chunk <= steps);
      }
    }
  }
}

TEST(schedule_small_work_stays_on_one_thread) {
  CHECK(choose_schedule(work_with(1, 1, 8, 2), 8).threads == 1);
  CHECK(choose_schedule(work_with(10, 1, 16, 4), 8).threads == 1);
  CHECK(choose_schedule(work_with(100, 32, 512, 32), 2).threads == 2);
  CHECK(choose_schedule(work_with(100, 1, 1024, 64), 2).threads == 2);
}
