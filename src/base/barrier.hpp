// Sense-reversing barrier for a team inside one parallel region.
#pragma once

#include <atomic>

#include "base/aligned_buffer.hpp"
#include "base/interruption.hpp"
#include "base/spin.hpp"

namespace tidegate {

class alignas(kCacheLine) Barrier {
 public:
  // Returns when `parties` threads have called it. Every caller passes the same count. After an
  // interruption nobody waits, and the barrier is of no more use.
  void wait(int parties, const Interruption& interruption = Interruption::never()) noexcept {
    if (parties == 1) return;
    const unsigned phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == parties - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    spin_until(
        [&] { return phase_.load(std::memory_order_acquire) != phase || interruption.raised(); });
  }

 private:
  std::atomic<int> arrived_{0};
  alignas(kCacheLine) std::atomic<unsigned> phase_{0};
};

}  // namespace tidegate
