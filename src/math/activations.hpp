// Activations: value(x) and slope(y), the derivative written in terms of the OUTPUT y, which is
// what the backward pass has. Where several x give one y, all of them have one slope: parameters
// for which that fails are refused by python/tidegate/activation.py. Large x saturate, NaN stays
// NaN.
//
// To add one: a struct here, a line in ActivationKind and in Activation::visit
// (chosen_activation.hpp), its name in bindings/cell_options.hpp and python/tidegate/activation.py,
// its pair in python/tidegate/reference/activations.py.
#pragma once

#include "math/exponential.hpp"
#include "math/logarithm.hpp"

namespace tidegate {

// y = 1 / (1 + exp(-x)),  dy/dx = y (1 - y)
struct Sigmoid {
  template <class T>
  [[gnu::always_inline]] static Lane<T> value(const Lane<T>& x) {
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
  [[gnu::always_inline]] static Lane<T> value(const Lane<T>& x) {
    constexpr T kSaturated = sizeof(T) == 4 ? T(10) : T(20);  // tanh rounds to 1 below these
    const Lane<T> a = at_most(abs(x), kSaturated);
    const Lane<T> e = expm1_within(a + a);
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

// y = x / (1 + |x|),  dy/dx = (1 - |y|)^2
struct Softsign {
  template <class T>
  static Lane<T> value(const Lane<T>& x) {
    const Lane<T> a = at_most(abs(x), T(1e30));  // so that inf gives 1
    return copy_sign(a / (a + Lane<T>(T(1))), x);
  }
  template <class T>
  static Lane<T> slope(const Lane<T>& y) {
    const Lane<T> rest = Lane<T>(T(1)) - abs(y);
    return rest * rest;
  }
};

// y = log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)),  dy/dx = 1 - exp(-y)
struct Softplus {
  template <class T>
  static Lane<T> value(const Lane<T>& x) {
    const SplitExp<T> e(at_least(-abs(x), ExpConstants<T>::kLowest));
    // Not scale * expm1 + scale: without FMA that product underflows while the sum does not.
    const Lane<T> decay = e.scale * (e.expm1 + Lane<T>(T(1)));
    return at_least(x, T(0)) + log1p_unit(decay);
  }
  template <class T>
  static Lane<T> slope(const Lane<T>& y) {
    return -expm1_within(at_least(-y, ExpConstants<T>::kLowest));
  }
};

// y = min(max(alpha x + beta, 0), 1),  dy/dx = alpha where 0 < y < 1, else 0
struct HardSigmoid {
  double alpha, beta;

  template <class T>
  Lane<T> value(const Lane<T>& x) const {
    const Lane<T> line = multiply_add(Lane<T>(T(alpha)), x, Lane<T>(T(beta)));
    return at_least(at_most(line, T(1)), T(0));
  }
  template <class T>
  Lane<T> slope(const Lane<T>& y) const {
    return Lane<T>(T(alpha)) * step_positive(y) * step_positive(Lane<T>(T(1)) - y);
  }
};

// y = x where x > 0, else alpha x,  dy/dx = 1 where y > 0, else alpha  (alpha >= 0)
struct LeakyRelu {
  double alpha;

  template <class T>
  Lane<T> value(const Lane<T>& x) const {
    return at_least(x, T(0)) + Lane<T>(T(alpha)) * at_most(x, T(0));
  }
  template <class T>
  Lane<T> slope(const Lane<T>& y) const {
    const Lane<T> step = step_positive(y);
    return step + (Lane<T>(T(1)) - step) * Lane<T>(T(alpha));
  }
};

// y = x where x >= alpha, else 0,  dy/dx = 1 where y > 0, else 0  (alpha >= 0)
struct ThresholdedRelu {
  double alpha;

  template <class T>
  Lane<T> value(const Lane<T>& x) const {
    return zero_below(x, T(alpha));
  }
  template <class T>
  Lane<T> slope(const Lane<T>& y) const {
    return step_positive(y);
  }
};

// y = alpha tanh(beta x),  dy/dx = alpha beta (1 - (y / alpha)^2)  (alpha != 0)
struct ScaledTanh {
  double alpha, beta;

  template <class T>
  Lane<T> value(const Lane<T>& x) const {
    return Lane<T>(T(alpha)) * Tanh::value(Lane<T>(T(beta)) * x);
  }
  template <class T>
  Lane<T> slope(const Lane<T>& y) const {
    return Lane<T>(T(alpha * beta)) * Tanh::slope(y * Lane<T>(T(1 / alpha)));
  }
};

// y = x where x > 0, else alpha (exp(x) - 1),  dy/dx = 1 where y > 0, else y + alpha  (alpha >= 0)
struct Elu {
  double alpha;

  template <class T>
  Lane<T> value(const Lane<T>& x) const {
    const Lane<T> below = at_least(at_most(x, T(0)), ExpConstants<T>::kLowest);
    return at_least(x, T(0)) + Lane<T>(T(alpha)) * expm1_within(below);
  }
  template <class T>
  Lane<T> slope(const Lane<T>& y) const {
    const Lane<T> step = step_positive(y), below = at_most(y, T(0)) + Lane<T>(T(alpha));
    return step + (Lane<T>(T(1)) - step) * below;
  }
};

// y = alpha x + beta,  dy/dx = alpha
struct Affine {
  double alpha, beta;

  template <class T>
  Lane<T> value(const Lane<T>& x) const {
    return multiply_add(Lane<T>(T(alpha)), x, Lane<T>(T(beta)));
  }
  template <class T>
  Lane<T> slope(const Lane<T>&) const {
    return Lane<T>(T(alpha));
  }
};

}  // namespace tidegate
