// Waiting for another thread: bounded spin, then yield.
//
// A step of a small network takes a few microseconds, so the wait must not enter the kernel; on an
// oversubscribed machine a spinning waiter must give its core to the thread that it waits for.
#pragma once

#include <thread>

namespace tidegate {

inline void cpu_relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns when done() is true; it reads what another thread writes.
template <class Done>
void spin_until(const Done& done) noexcept {
  constexpr int kSpins = 1000;  // some 15 us: longer than the usual imbalance of a step
  int spin = 0;
  while (!done()) {
    if (spin < kSpins) {
      ++spin;
      cpu_relax();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace tidegate
