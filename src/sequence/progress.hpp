// How far a pass is, for the thread whose pass reads what this one writes.
#pragma once

#include <atomic>

#include "base/aligned_buffer.hpp"
#include "base/index.hpp"
#include "base/spin.hpp"

namespace tidegate {

class alignas(kCacheLine) Progress {
 public:
  void reach(Index pieces) noexcept { done_.store(pieces, std::memory_order_release); }

  // Returns when `pieces` are done.
  void wait_for(Index pieces) const noexcept {
    spin_until([&] { return done_.load(std::memory_order_acquire) >= pieces; });
  }

 private:
  std::atomic<Index> done_{0};
};

}  // namespace tidegate
