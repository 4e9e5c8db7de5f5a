// Lane<T>: one SIMD register of T over Eigen's packets, so that SSE, AVX2, AVX-512 and NEON come
// from one source. Everything is elementwise.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/index.hpp"

namespace tidegate {

template <class T>
struct Lane {
  using Packet = typename Eigen::internal::packet_traits<T>::type;
  using Traits = Eigen::internal::unpacket_traits<Packet>;
  static constexpr Index kSize = Traits::size;

  Packet packet;

  // All bits set in the first half, none in the second: a window over both is a mask.
  struct MaskTable {
    using Word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    Word words[2 * kSize] = {};
    constexpr MaskTable() {
      for (Index k = 0; k < kSize; ++k) words[k] = ~Word{0};
    }
  };

  Lane() = default;
  Lane(const Packet& p) : packet(p) {}
  explicit Lane(T scalar) : packet(Eigen::internal::pset1<Packet>(scalar)) {}

  static Lane load(const T* from) { return Eigen::internal::ploadu<Packet>(from); }
  void store(T* to) const { Eigen::internal::pstoreu(to, packet); }

  // The first `count` elements of memory, zero beyond; nothing beyond is touched.
  static Lane load_partial(const T* from, Index count) {
    if (count >= kSize) return load(from);
    if constexpr (Traits::masked_load_available) {
      return Eigen::internal::ploadu<Packet>(from, bits(count));
    } else {
      alignas(64) T padded[kSize] = {};
      for (Index k = 0; k < count; ++k) padded[k] = from[k];
      return load(padded);
    }
  }
  // The first `count` elements, zero beyond, whatever they were.
  Lane first(Index count) const {
    alignas(64) static constexpr MaskTable kMask{};
    T mask[kSize];
    std::memcpy(mask, kMask.words + kSize - count, sizeof(mask));
    return Eigen::internal::pand(packet, load(mask).packet);
  }
  void store_partial(T* to, Index count) const {
    if (count >= kSize) return store(to);
    if constexpr (Traits::masked_store_available) {
      Eigen::internal::pstoreu(to, packet, bits(count));
    } else {
      alignas(64) T padded[kSize];
      store(padded);
      for (Index k = 0; k < count; ++k) to[k] = padded[k];
    }
  }

 private:
  // The first `count` of Eigen's masks.
  static auto bits(Index count) { return static_cast<typename Traits::mask_t>((1u << count) - 1); }
};

template <class T>
Lane<T> operator+(const Lane<T>& a, const Lane<T>& b) {
  return Eigen::internal::padd(a.packet, b.packet);
}
template <class T>
Lane<T> operator-(const Lane<T>& a, const Lane<T>& b) {
  return Eigen::internal::psub(a.packet, b.packet);
}
template <class T>
Lane<T> operator*(const Lane<T>& a, const Lane<T>& b) {
  return Eigen::internal::pmul(a.packet, b.packet);
}
template <class T>
Lane<T> operator/(const Lane<T>& a, const Lane<T>& b) {
  return Eigen::internal::pdiv(a.packet, b.packet);
}
template <class T>
Lane<T> operator-(const Lane<T>& a) {
  return Eigen::internal::pnegate(a.packet);
}

// a*b + c, fused where the instruction set has it.
template <class T>
Lane<T> multiply_add(const Lane<T>& a, const Lane<T>& b, const Lane<T>& c) {
  return Eigen::internal::pmadd(a.packet, b.packet, c.packet);
}
// Of all elements, in an order that depends on the register alone.
template <class T>
T sum_of(const Lane<T>& a) {
  return Eigen::internal::predux(a.packet);
}
template <class T>
Lane<T> abs(const Lane<T>& a) {
  return Eigen::internal::pabs(a.packet);
}
// a limited from above or below by a constant. A NaN in a stays: x86's min and max return the
// second operand when either is NaN, and Eigen passes its first argument there.
template <class T>
Lane<T> at_most(const Lane<T>& a, T limit) {
  return Eigen::internal::pmin(a.packet, Lane<T>(limit).packet);
}
template <class T>
Lane<T> at_least(const Lane<T>& a, T limit) {
  return Eigen::internal::pmax(a.packet, Lane<T>(limit).packet);
}
// |magnitude| with the sign of `sign`.
template <class T>
Lane<T> copy_sign(const Lane<T>& magnitude, const Lane<T>& sign) {
  using namespace Eigen::internal;
  return por(magnitude.packet, pand(sign.packet, Lane<T>(T(-0.0)).packet));
}
// 0 where a <= 0, else 1: also where a is NaN.
template <class T>
Lane<T> step_positive(const Lane<T>& a) {
  using namespace Eigen::internal;
  return pandnot(Lane<T>(T(1)).packet, pcmp_le(a.packet, Lane<T>(T(0)).packet));
}

// a, but 0 where a < limit; NaN stays.
template <class T>
Lane<T> zero_below(const Lane<T>& a, T limit) {
  using namespace Eigen::internal;
  return pandnot(a.packet, pcmp_lt(a.packet, Lane<T>(limit).packet));
}
// a, but 0 where x == value.
template <class T>
Lane<T> zero_where(const Lane<T>& x, T value, const Lane<T>& a) {
  using namespace Eigen::internal;
  return pandnot(a.packet, pcmp_eq(x.packet, Lane<T>(value).packet));
}

// Copies a row. Rows are often shorter than the call of memcpy is long.
template <class T>
void copy_row(const T* from, Index count, T* to) {
  using V = Lane<T>;
  if constexpr (V::Traits::masked_load_available && V::Traits::masked_store_available) {
    for (Index k = 0; k < count; k += V::kSize) {
      V::load_partial(from + k, count - k).store_partial(to + k, count - k);
    }
  } else {
    std::copy_n(from, count, to);
  }
}

}  // namespace tidegate
