// The barrier orders plain memory: a thread that leaves it sees everything written before it.
#include "base/barrier.hpp"

#include <vector>

#include "test.hpp"

using tidegate::Barrier;

// Every thread publishes the round in its own place, waits, and reads the places of all the others.
// Returns how often a place was behind or ahead.
static int count_disorder(int parties, int rounds) {
  struct alignas(tidegate::kCacheLine) Place {
    int round = 0;
  };
  Barrier barrier;
  std::vector<Place> places(static_cast<std::size_t>(parties));
  std::vector<int> disorder(static_cast<std::size_t>(parties), 0);
  std::vector<std::thread> threads;
  for (std::size_t me = 0; me < places.size(); ++me) {
    threads.emplace_back([&, me] {
      for (int round = 1; round <= rounds; ++round) {
        places[me].round = round;
        barrier.wait(parties);
        for (const Place& place : places) disorder[me] += place.round != round;
        barrier.wait(parties);  // nobody starts the next round before all have looked
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int total = 0;
  for (const int count : disorder) total += count;
  return total;
}

TEST(barrier_alone_does_not_wait) {
  Barrier barrier;
  for (int k = 0; k < 1000; ++k) barrier.wait(1);
  CHECK(count_disorder(1, 10) == 0);
}

TEST(barrier_two_threads) { CHECK(count_disorder(2, 5000) == 0); }

TEST(barrier_more_threads_than_cores) {
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  CHECK(count_disorder(cores + 1, 300) == 0);
  CHECK(count_disorder(std::min(2 * cores + 3, 32), 150) == 0);
}

TEST(barrier_is_on_cache_lines_of_its_own) {
  CHECK(alignof(Barrier) == tidegate::kCacheLine);
  CHECK(sizeof(Barrier) % tidegate::kCacheLine == 0);
}
