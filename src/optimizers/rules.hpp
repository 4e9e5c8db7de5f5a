// By how much one number w changes, from its gradient g. `was` and `now` are its slots (moments)
// before and after the step. Elementwise, no loops, no pointers; the forms are Keras's.
//
// Every sum that has a product says which one is fused: a compiler free to choose chooses
// differently in a vector loop and in its remainder.
#pragma once

#include <array>
#include <cmath>

namespace tidegate {

// a*b + c, fused where the instruction set has it.
template <class T>
T multiply_add(T a, T b, T c) {
#ifdef __FP_FAST_FMAF
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}

// w = w - rate·g
template <class T>
struct SgdRule {
  static constexpr int kSlots = 0;
  T rate;

  T change(T g, const std::array<T, 0>&, std::array<T, 0>&) const { return -(rate * g); }
};

// m = momentum·m - rate·g,  w = w + m;  with Nesterov's momentum  w = w + momentum·m - rate·g
template <class T, bool nesterov>
struct MomentumRule {
  static constexpr int kSlots = 1;
  T momentum, rate;

  T change(T g, const std::array<T, 1>& was, std::array<T, 1>& now) const {
    now[0] = multiply_add(momentum, was[0], -(rate * g));
    return nesterov ? multiply_add(momentum, now[0], -(rate * g)) : now[0];
  }
};

// v = rho·v + (1 - rho)·g²;  centered:  a = rho·a + (1 - rho)·g  and  v - a²  in place of v below
// d = rate·g / √(v + epsilon),  w = w - d;  with momentum  m = momentum·m + d,  w = w - m
template <class T, bool centered, bool with_momentum>
struct RmsPropRule {
  static constexpr int kSlots = 1 + centered + with_momentum;
  T rho, rest, epsilon, momentum, rate;

  T change(T g, const std::array<T, kSlots>& was, std::array<T, kSlots>& now) const {
    now[0] = multiply_add(rho, was[0], rest * (g * g));
    T variance = now[0];
    if constexpr (centered) {
      now[1] = multiply_add(rho, was[1], rest * g);
      variance = multiply_add(-now[1], now[1], now[0]);
      variance = variance < 0 ? T(0) : variance;  // rounding may leave less than -epsilon
    }
    const T d = rate * (g / std::sqrt(variance + epsilon));
    if constexpr (!with_momentum) return -d;
    now[kSlots - 1] = multiply_add(momentum, was[kSlots - 1], d);
    return -now[kSlots - 1];
  }
};

// m = m + (1 - beta_1)·(g - m),  v = v + (1 - beta_2)·(g² - v),  w = w - size·m / (√v + epsilon)
template <class T>
struct AdamRule {
  static constexpr int kSlots = 2;
  T rest_1, rest_2, epsilon, size;

  T change(T g, const std::array<T, 2>& was, std::array<T, 2>& now) const {
    now[0] = multiply_add(rest_1, g - was[0], was[0]);
    now[1] = multiply_add(rest_2, multiply_add(g, g, -was[1]), was[1]);
    return -(size * (now[0] / (std::sqrt(now[1]) + epsilon)));
  }
};

}  // namespace tidegate
