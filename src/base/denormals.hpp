// Flushes denormals to zero in the calling thread for the lifetime of the object, then restores.
//
// A forgotten state decays through the denormal range, where one addition costs over 100 cycles.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace tidegate {

class FlushDenormals {
 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

#if defined(__SSE2__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushToZero | kDenormalsAreZero); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  unsigned saved_;
#elif defined(__aarch64__)
  FlushDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" : : "r"(saved_ | kFlushToZero));
  }
  ~FlushDenormals() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }

 private:
  static constexpr unsigned long kFlushToZero = 1UL << 24;
  unsigned long saved_;
#else
  FlushDenormals() = default;
#endif
};

// The opposite, for code of the user's that runs in the middle of a call.
class KeepDenormals {
 public:
  KeepDenormals(const KeepDenormals&) = delete;
  KeepDenormals& operator=(const KeepDenormals&) = delete;

#if defined(__SSE2__)
  KeepDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ & ~kFlushes); }
  ~KeepDenormals() { _mm_setcsr(saved_); }

 private:
  static constexpr unsigned kFlushes = 0x8040;
  unsigned saved_;
#elif defined(__aarch64__)
  KeepDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" : : "r"(saved_ & ~kFlushes));
  }
  ~KeepDenormals() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }

 private:
  static constexpr unsigned long kFlushes = 1UL << 24;
  unsigned long saved_;
#else
  KeepDenormals() = default;
#endif
};

}  // namespace tidegate
