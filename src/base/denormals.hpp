// Denormals are flushed to zero, or kept, in the calling thread for the lifetime of an object; then
// the thread is as it was.
//
// A forgotten state decays through the denormal range, where one addition costs over 100 cycles:
// the engine flushes. Code of the user's that runs in the middle of a call keeps them.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace tidegate {

// The thread's floating-point control register.
struct FloatControl {
#if defined(__SSE2__)
  using Bits = unsigned;
  static constexpr Bits kFlushes = 0x8000 | 0x0040;  // results to zero, operands are zeros
  static Bits read() { return _mm_getcsr(); }
  static void write(Bits bits) { _mm_setcsr(bits); }
#elif defined(__aarch64__)
  using Bits = unsigned long;
  static constexpr Bits kFlushes = 1UL << 24;
  static Bits read() {
    Bits bits;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
  }
  static void write(Bits bits) { asm volatile("msr fpcr, %0" : : "r"(bits)); }
#else
  using Bits = unsigned;
  static constexpr Bits kFlushes = 0;
  static Bits read() { return 0; }
  static void write(Bits) {}
#endif
};

template <bool flush>
class DenormalMode {
 public:
  DenormalMode() : saved_(FloatControl::read()) {
    FloatControl::write(flush ? saved_ | FloatControl::kFlushes : saved_ & ~FloatControl::kFlushes);
  }
  ~DenormalMode() { FloatControl::write(saved_); }
  DenormalMode(const DenormalMode&) = delete;
  DenormalMode& operator=(const DenormalMode&) = delete;

 private:
  const FloatControl::Bits saved_;
};

using FlushDenormals = DenormalMode<true>;
using KeepDenormals = DenormalMode<false>;

}  // namespace tidegate
