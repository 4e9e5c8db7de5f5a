// exp and expm1 on lanes, the core of the sigmoid and the hyperbolic tangent.
//   x = n ln2 + r, |r| <= ln2 / 2,   exp(x) = 2^n (1 + p(r)),   p(r) = exp(r) - 1 as a polynomial
// n comes from adding 1.5 * 2^m (m the mantissa bits), which rounds to the nearest integer; ln2 is
// split in two so that n ln2 is exact (Cody & Waite 1980).
#pragma once

#include "math/lane.hpp"

namespace tidegate {

// 2^n for integral n in [-126, 127] (float) or [-1022, 1023] (double).
inline Lane<float> power_of_two(const Lane<float>& n) {
  using namespace Eigen::internal;
  using Packet = Lane<float>::Packet;
  using PacketI = typename unpacket_traits<Packet>::integer_packet;
  const PacketI biased = padd(pcast<Packet, PacketI>(n.packet), pset1<PacketI>(127));
  return preinterpret<Packet>(plogical_shift_left<23>(biased));
}
inline Lane<double> power_of_two(const Lane<double>& n) {
  return Eigen::internal::pldexp(Lane<double>(1.0).packet, n.packet);
}

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr float kRound = 12582912.0f;  // 1.5 * 2^23
  static constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  static constexpr float kLowest = -87.3f, kHighest = 88.0f;
  // (exp(r) - 1 - r) / r^2, highest degree first: Cephes expf (Moshier 1992), error 2^-28.
  static constexpr float kTail[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                    4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
};

template <>
struct ExpConstants<double> {
  static constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double kLn2High = 0.693145751953125, kLn2Low = 1.42860682030941723212e-6;
  static constexpr double kLowest = -708.0, kHighest = 709.0;
  // Taylor, 1/k! for k = 13..2: the first omitted term is 1e-17 of r at |r| = ln2 / 2.
  static constexpr double kTail[] = {
      1.6059043836821613e-10, 2.0876756987868099e-9, 2.5052108385441720e-8, 2.7557319223985893e-7,
      2.7557319223985888e-6,  2.4801587301587302e-5, 1.9841269841269841e-4, 1.3888888888888889e-3,
      8.3333333333333332e-3,  4.1666666666666664e-2, 1.6666666666666666e-1, 5.0e-1};
};

// The two factors of exp(x): scale = 2^n and expm1 = exp(r) - 1. x must be within
// kLowest..kHighest.
template <class T>
struct SplitExp {
  Lane<T> scale, expm1;

  [[gnu::always_inline]] explicit SplitExp(const Lane<T>& x) {
    using C = ExpConstants<T>;
    const Lane<T> round(C::kRound);
    const Lane<T> n = multiply_add(x, Lane<T>(T(1.44269504088896340736)), round) - round;
    Lane<T> r = multiply_add(n, Lane<T>(-C::kLn2High), x);
    r = multiply_add(n, Lane<T>(-C::kLn2Low), r);
    Lane<T> tail(C::kTail[0]);
    for (std::size_t k = 1; k < sizeof(C::kTail) / sizeof(T); ++k) {
      tail = multiply_add(tail, r, Lane<T>(C::kTail[k]));
    }
    expm1 = multiply_add(tail, r * r, r);
    scale = power_of_two(n);
  }
};

// exp(x), saturating at the ends of the normal range; NaN stays NaN.
template <class T>
[[gnu::always_inline]] inline Lane<T> exp_saturated(const Lane<T>& x) {
  using C = ExpConstants<T>;
  const SplitExp<T> e(at_least(at_most(x, C::kHighest), C::kLowest));
  return multiply_add(e.scale, e.expm1, e.scale);
}

// exp(x) - 1 for x within kLowest..kHighest, without cancellation near zero.
template <class T>
[[gnu::always_inline]] inline Lane<T> expm1_within(const Lane<T>& x) {
  const SplitExp<T> e(x);
  return multiply_add(e.scale, e.expm1, e.scale - Lane<T>(T(1)));
}

}  // namespace tidegate
