// However a call is divided, every row of the batch and every group of units has one owner.
#include "sequence/schedule.hpp"

#include <vector>

#include "sequence/part.hpp"
#include "support/random.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::choose_schedule;
using tidegate::Part;
using tidegate::Schedule;
using tidegate::Work;

static Work work_with(Index steps, Index batch, Index units, Index groups) {
  const Index slots = 4, element_bytes = 4;
  return {steps,         batch, 32, units, slots, 1, groups, slots * units * units * element_bytes,
          element_bytes, 0};
}

// Counts the owners of each (row, group), and checks that those who share rows share a barrier.
static bool has_one_owner_each(const Schedule& s, int team, Index batch, Index groups) {
  std::vector<int> owners(at(batch * groups), 0);
  std::vector<tidegate::Barrier> barriers(at(team));
  std::vector<Part> parts;
  for (int thread = 0; thread < team; ++thread) {
    parts.push_back(tidegate::make_part(s, {1, batch}, groups, groups, barriers, thread, team));
    const Part& part = parts.back();
    for (Index row = part.rows.begin; row < part.rows.end; ++row) {
      for (Index g = part.groups.begin; g < part.groups.end; ++g) ++owners[at(row * groups + g)];
    }
  }
  for (const int count : owners) {
    if (count != 1) return false;
  }
  for (const Part& part : parts) {
    int sharers = 0;
    for (const Part& other : parts) sharers += other.barrier == part.barrier;
    if (sharers != part.sharers) return false;
    for (const Part& other : parts) {
      const bool same_rows = other.rows.begin == part.rows.begin && other.rows.end == part.rows.end;
      if (part.rows.size() > 0 && same_rows != (other.barrier == part.barrier)) return false;
    }
  }
  return true;
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

TEST(schedule_projects_few_rows_of_large_inputs_together) {
  const auto chunk_of = [](Index batch, Index inputs) {
    Work work = work_with(5000, batch, 1024, 64);
    work.input_size = inputs;
    return make_schedule(work, 2, false).chunk;
  };
  CHECK(chunk_of(1, 4096) == 1024);
  CHECK(chunk_of(1, 4096) > chunk_of(1, 64));
  CHECK(chunk_of(32, 4096) > chunk_of(32, 64));
  CHECK(chunk_of(64, 4096) == chunk_of(64, 64));
}

TEST(schedule_small_work_stays_on_one_thread) {
  CHECK(choose_schedule(work_with(1, 1, 8, 2), 8).threads == 1);
  CHECK(choose_schedule(work_with(10, 1, 16, 4), 8).threads == 1);
  CHECK(choose_schedule(work_with(100, 32, 512, 32), 2).threads == 2);
  CHECK(choose_schedule(work_with(100, 1, 1024, 64), 2).threads == 2);
}

// The model orders what must be ordered, whatever its constants.
TEST(schedule_estimates_grow_with_the_work) {
  const auto estimate = [](Index steps, Index batch, Index units) {
    const Work work = work_with(steps, batch, units, 16);
    return tidegate::estimated_ns(work, tidegate::make_schedule(work, 1, false));
  };
  CHECK(estimate(2, 1, 64) > estimate(1, 1, 64));
  CHECK(estimate(10, 8, 64) > estimate(10, 4, 64));
  CHECK(estimate(10, 8, 128) > 2 * estimate(10, 8, 64));
}

// One step of one row: the gradients that a backward pass writes are most of its work, and make a
// second thread worth its fork.
TEST(schedule_counts_the_gradients_of_the_weights) {
  Work work = work_with(1, 1, 128, 8);
  CHECK(choose_schedule(work, 2).threads == 1);
  const double before = tidegate::estimated_ns(work, tidegate::make_schedule(work, 1, false));
  work.gradient_bytes = 2 * work.recurrent_bytes;
  CHECK(tidegate::estimated_ns(work, tidegate::make_schedule(work, 1, false)) > 2 * before);
  CHECK(choose_schedule(work, 2).threads == 2);
}

TEST(schedule_of_the_least_estimate_is_chosen) {
  for (const Index batch : {1, 12, 64}) {
    for (const Index units : {32, 128, 512}) {
      const Work work = work_with(100, batch, units, units / 16);
      const double chosen = tidegate::estimated_ns(work, choose_schedule(work, 2));
      for (const int threads : {1, 2}) {
        for (const bool prefer_batch : {false, true}) {
          const Schedule s = tidegate::make_schedule(work, threads, prefer_batch);
          CHECK(chosen <= tidegate::estimated_ns(work, s));
        }
      }
    }
  }
}

TEST(schedule_override_ends_with_its_scope) {
  const Work work = work_with(100, 32, 512, 32);
  {
    const Schedule one = tidegate::make_schedule(work, 1, false);
    const tidegate::ScheduleOverride override(one);
    CHECK(choose_schedule(work, 2).threads == 1);
  }
  CHECK(choose_schedule(work, 2).threads == 2);
}
