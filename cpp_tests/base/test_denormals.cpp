#include "base/denormals.hpp"

#include <cfenv>
#include <limits>

#include "test.hpp"

using tidegate::FlushDenormals;

// Half the smallest normal number, computed at run time: 0 where results are flushed.
template <class T>
static T half_of_smallest() {
  volatile T smallest = std::numeric_limits<T>::min();
  return smallest * T(0.5);
}
// A denormal times 2^30, normal again: 0 where operands are flushed.
template <class T>
static T scaled_denormal() {
  volatile T denormal = std::numeric_limits<T>::denorm_min();
  volatile T scale = T(1 << 30);
  return denormal * scale;
}

TEST(denormals_flushed_inside_and_restored_after) {
  CHECK(half_of_smallest<float>() > 0 && half_of_smallest<double>() > 0);
  {
    const FlushDenormals flush;
    CHECK(half_of_smallest<float>() == 0 && half_of_smallest<double>() == 0);
    CHECK(scaled_denormal<float>() == 0 && scaled_denormal<double>() == 0);
  }
  CHECK(half_of_smallest<float>() > 0 && half_of_smallest<double>() > 0);
  CHECK(scaled_denormal<float>() > 0 && scaled_denormal<double>() > 0);
}

TEST(denormals_nested_scopes_restore_their_outside) {
  const FlushDenormals outer;
  {
    const FlushDenormals inner;
    CHECK(half_of_smallest<double>() == 0);
  }
  CHECK(half_of_smallest<double>() == 0);
}

TEST(denormals_leave_the_rounding_mode_alone) {
  CHECK(std::fesetround(FE_UPWARD) == 0);
  {
    const FlushDenormals flush;
    CHECK(std::fegetround() == FE_UPWARD);
  }
  CHECK(std::fegetround() == FE_UPWARD);
  CHECK(std::fesetround(FE_TONEAREST) == 0);
}

#if defined(__SSE2__)
static unsigned long control_word() { return _mm_getcsr(); }
#elif defined(__aarch64__)
static unsigned long control_word() {
  unsigned long word;
  asm volatile("mrs %0, fpcr" : "=r"(word));
  return word;
}
#endif

#if defined(__SSE2__) || defined(__aarch64__)
TEST(denormals_restore_the_control_word) {
  const unsigned long before = control_word();
  {
    const FlushDenormals flush;
    CHECK(control_word() != before);
  }
  CHECK(control_word() == before);
}
#endif
