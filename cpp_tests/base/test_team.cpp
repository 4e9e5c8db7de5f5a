#include "base/team.hpp"

#include <atomic>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "test.hpp"

using tidegate::run_team;

static bool flushes_denormals() {
  volatile double smallest = std::numeric_limits<double>::min();
  return smallest * 0.5 == 0;
}

TEST(team_runs_every_member_once) {
  for (int wanted = 1; wanted <= 6; ++wanted) {
    std::mutex mutex;
    std::vector<int> runs(6, 0), teams;
    run_team(wanted, [&](int thread, int team) {
      const std::lock_guard<std::mutex> lock(mutex);
      ++runs[static_cast<std::size_t>(thread)];
      teams.push_back(team);
    });
    const int team = teams.front();
    CHECK(team >= 1 && team <= wanted);
    CHECK(static_cast<int>(teams.size()) == team);
    for (const int told : teams) CHECK(told == team);
    for (int k = 0; k < 6; ++k) CHECK(runs[static_cast<std::size_t>(k)] == (k < team ? 1 : 0));
  }
}

TEST(team_of_one_is_the_caller) {
  std::thread::id runner;
  run_team(1, [&](int, int) { runner = std::this_thread::get_id(); });
  CHECK(runner == std::this_thread::get_id());
}

TEST(team_flushes_denormals_in_every_member_and_only_there) {
  CHECK(!flushes_denormals());
  std::atomic<int> flushing{0}, members{0};
  for (int threads : {1, 4}) {
    run_team(threads, [&](int, int) {
      members += 1;
      flushing += flushes_denormals();
    });
  }
  CHECK(members >= 2 && flushing == members);
  CHECK(!flushes_denormals());
#ifdef _OPENMP
  // The same pool of threads, in a region of somebody else's.
  std::atomic<int> left_over{0};
#pragma omp parallel num_threads(4)
  left_over += flushes_denormals();
  CHECK(left_over == 0);
#endif
}

#ifdef _OPENMP
TEST(team_changes_no_openmp_setting) {
  const int threads = omp_get_max_threads(), levels = omp_get_max_active_levels();
  const bool dynamic = omp_get_dynamic() != 0;
  run_team(3, [](int, int) {});
  CHECK(omp_get_max_threads() == threads);
  CHECK(omp_get_max_active_levels() == levels);
  CHECK((omp_get_dynamic() != 0) == dynamic);
}
#endif
