// The parts under every call that threads share: the lock of an owner and the count of calls.
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/call_in_flight.hpp"
#include "base/fork_safety.hpp"
#include "test.hpp"

using tidegate::CallInFlight;
using tidegate::fork_safe_mutex;

static constexpr int kThreads = 4, kRounds = 2000;

template <class Body>
static void run_threads(const Body& body) {
  std::vector<std::thread> threads;
  for (int k = 0; k < kThreads; ++k) threads.emplace_back(body);
  for (std::thread& thread : threads) thread.join();
}

// Plain counters: without the lock, updates are lost and the sanitizer reports a race.
TEST(concurrent_owners_are_locked) {
  struct alignas(tidegate::kCacheLine) Owner {
    long count = 0;
  };
  std::array<Owner, 3> owners;
  run_threads([&] {
    for (int round = 0; round < kRounds; ++round) {
      for (Owner& owner : owners) {
        const std::lock_guard<std::mutex> lock(fork_safe_mutex(&owner));
        ++owner.count;
      }
    }
  });
  for (const Owner& owner : owners) CHECK(owner.count == long{kThreads} * kRounds);
}

TEST(concurrent_calls_never_get_more_than_their_share) {
  std::atomic<int> outside{0};
  run_threads([&] {
    for (int round = 0; round < kRounds; ++round) {
      const CallInFlight call;
      const int share = call.share_of(kThreads);
      outside += share < 1 || share > kThreads;
    }
  });
  CHECK(outside == 0);
  CHECK(CallInFlight().share_of(kThreads) == kThreads);  // all of them have ended
}
