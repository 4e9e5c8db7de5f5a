// Activations: value(x) and slope(y), the derivative written in terms of the OUTPUT y.
//
// To add one: a struct here, a line in ActivationKind and in Activation::visit, its name in
// python/tidegate/weights.py and its pair in python/tidegate/reference/activations.py.
#pragma once

#include "math/exponential.hpp"

namespace tidegate {

// y = 1 / (1 + exp(-x)),  dy/dx = y (1 - y)
struct Sigmoid {
  template <class T>
  static Lane<T> value(const Lane<T>& x) {
    const Lane<T> one(T(1));
    return one / (one + exp_saturated(-x));
  }
  template <class T>
  static Lane<T> slope(const Lane<T>& y) {
    return y * (Lane<T>(T(1)) - y);
  }
};

// y = sign(x) e / (e + 2) with e = exp(2|x|) - 1,  dy/dx = 1 - y^2
struct Tanh {
  template <class T>
  static Lane<T> value(const Lane<T>& x) {
    constexpr T kSaturated = sizeof(T) == 4 ? T(10) : T(20);  // tanh rounds to 1 below these
    const Lane<T> a = at_most(abs(x), kSaturated);
    const Lane<T> e = expm1_positive(a + a);
    return copy_sign(e / (e + Lane<T>(T(2))), x);
  }
  template <class T>
  static Lane<T> slope(const Lane<T>& y) {
    return Lane<T>(T(1)) - y * y;
  }
};

// y = max(x, 0),  dy/dx = 0 where y <= 0, else 1 (so a NaN passes the gradient on, as in PyTorch)
struct Relu {
  template <class T>
  static Lane<T> value(const Lane<T>& x) {
    return at_least(x, T(0));
  }
  template <class T>
  static Lane<T> slope(const Lane<T>& y) {
    return step_positive(y);
  }
};

// y = x,  dy/dx = 1
struct Linear {
  template <class T>
  static Lane<T> value(const Lane<T>& x) {
    return x;
  }
  template <class T>
  static Lane<T> slope(const Lane<T>&) {
    return Lane<T>(T(1));
  }
};

enum class ActivationKind { kTanh, kSigmoid, kRelu, kLinear };

// An activation chosen at run time. The branch is the same for a whole call, so it predicts.
struct Activation {
  ActivationKind kind = ActivationKind::kTanh;

  template <class T>
  Lane<T> value(const Lane<T>& x) const {
    return visit([&](auto f) { return decltype(f)::value(x); });
  }
  template <class T>
  Lane<T> slope(const Lane<T>& y) const {
    return visit([&](auto f) { return decltype(f)::slope(y); });
  }

 private:
  template <class F>
  auto visit(const F& f) const {
    switch (kind) {
      case ActivationKind::kSigmoid:
        return f(Sigmoid{});
      case ActivationKind::kRelu:
        return f(Relu{});
      case ActivationKind::kLinear:
        return f(Linear{});
      case ActivationKind::kTanh:
        break;
    }
    return f(Tanh{});
  }
};

}  // namespace tidegate
