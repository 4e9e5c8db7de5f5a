// Counts the calls in flight, so that calls from several Python threads divide the cores.
#pragma once

#include <algorithm>
#include <atomic>

#include "base/fork_safety.hpp"

namespace tidegate {

class CallInFlight {
 public:
  CallInFlight() {
    ensure_fork_safety();
    calls_ = count().fetch_add(1, std::memory_order_relaxed) + 1;
  }
  ~CallInFlight() { count().fetch_sub(1, std::memory_order_relaxed); }
  CallInFlight(const CallInFlight&) = delete;
  CallInFlight& operator=(const CallInFlight&) = delete;

  int share_of(int threads) const { return std::max(1, threads / std::max(1, calls_)); }

  // In a forked child: calls of the parent's other threads do not end here.
  static void forget_all() { count().store(0, std::memory_order_relaxed); }

 private:
  static std::atomic<int>& count() {
    static std::atomic<int> calls{0};
    return calls;
  }
  int calls_;
};

}  // namespace tidegate
