// Sense-reversing barrier for a team inside one parallel region: bounded spin, then yield.
//
// A step of a small network takes a few microseconds, so the wait must not enter the kernel; on an
// oversubscribed machine a spinning waiter must give its core to the thread that it waits for.
#pragma once

#include <atomic>
#include <thread>

#include "base/aligned_buffer.hpp"

namespace tidegate {

inline void cpu_relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class alignas(kCacheLine) Barrier {
 public:
  // Returns when `parties` threads have called it. Every caller passes the same count.
  void wait(int parties) noexcept {
    if (parties == 1) return;
    const unsigned phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == parties - 1) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    int spin = 0;
    while (phase_.load(std::memory_order_acquire) == phase) {
      if (spin < kSpins) {
        ++spin;
        cpu_relax();
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  static constexpr int kSpins = 1000;  // some 15 us: longer than the usual imbalance of a step
  std::atomic<int> arrived_{0};
  alignas(kCacheLine) std::atomic<unsigned> phase_{0};
};

}  // namespace tidegate
