// How far a pass is, for the thread whose pass reads what this one writes.
#pragma once

#include <atomic>
#include <thread>

#include "base/barrier.hpp"

namespace tidegate {

class alignas(kCacheLine) Progress {
 public:
  void reach(Index pieces) noexcept { done_.store(pieces, std::memory_order_release); }

  // Returns when `pieces` are done: bounded spin, then yield, as in base/barrier.hpp.
  void wait_for(Index pieces) const noexcept {
    int spin = 0;
    while (done_.load(std::memory_order_acquire) < pieces) {
      if (spin < kSpins) {
        ++spin;
        cpu_relax();
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  static constexpr int kSpins = 1000;
  std::atomic<Index> done_{0};
};

}  // namespace tidegate
