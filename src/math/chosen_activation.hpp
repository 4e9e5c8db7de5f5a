// An activation chosen at run time, of x limited to +-clip.
#pragma once

#include <limits>
#include <tuple>

#include "math/activations.hpp"

namespace tidegate {

enum class ActivationKind {
  kTanh,
  kSigmoid,
  kRelu,
  kLinear,
  kHardSigmoid,
  kLeakyRelu,
  kThresholdedRelu,
  kScaledTanh,
  kElu,
  kSoftsign,
  kSoftplus,
  kAffine
};

constexpr double kNoClip = std::numeric_limits<double>::infinity();

// The functions are not inlined: a call per lane is nothing beside the products, and a dozen bodies
// in each place of each cell would be much code. The branch is the same for a whole call, so it
// predicts.
struct Activation {
  ActivationKind kind;
  double alpha, beta;

  Activation(ActivationKind kind_ = ActivationKind::kTanh, double alpha_ = 0, double beta_ = 0)
      : kind(kind_), alpha(alpha_), beta(beta_) {}

  Activation limited_to(double clip) const {
    Activation limited = *this;
    limited.clip_ = clip;
    if (clip < kNoClip) {
      limited.ends_ = {limited.ends<float>(), limited.ends<double>()};
    }
    return limited;
  }

  template <class T>
  [[gnu::noinline]] Lane<T> value(Lane<T> x) const {
    x = at_least(at_most(x, T(clip_)), T(-clip_));
    return visit([&](auto f) { return f.value(x); });
  }
  // Zero where x was limited, which shows in y: it is the value at a limit.
  template <class T>
  [[gnu::noinline]] Lane<T> slope(Lane<T> y) const {
    const Ends<T>& ends = std::get<Ends<T>>(ends_);
    const Lane<T> slope = visit([&](auto f) { return f.slope(y); });
    return zero_where(y, ends.low, zero_where(y, ends.high, slope));
  }

 private:
  template <class T>
  struct Ends {  // the values at -clip and clip; NaN, which equals nothing, without a limit
    T low = std::numeric_limits<T>::quiet_NaN(), high = low;
  };

  template <class T>
  Ends<T> ends() const {
    T low[Lane<T>::kSize], high[Lane<T>::kSize];
    value(Lane<T>(T(-clip_))).store(low);
    value(Lane<T>(T(clip_))).store(high);
    return {low[0], high[0]};
  }

  template <class F>
  auto visit(const F& f) const {
    switch (kind) {
      case ActivationKind::kSigmoid:
        return f(Sigmoid{});
      case ActivationKind::kRelu:
        return f(Relu{});
      case ActivationKind::kLinear:
        return f(Linear{});
      case ActivationKind::kHardSigmoid:
        return f(HardSigmoid{alpha, beta});
      case ActivationKind::kLeakyRelu:
        return f(LeakyRelu{alpha});
      case ActivationKind::kThresholdedRelu:
        return f(ThresholdedRelu{alpha});
      case ActivationKind::kScaledTanh:
        return f(ScaledTanh{alpha, beta});
      case ActivationKind::kElu:
        return f(Elu{alpha});
      case ActivationKind::kSoftsign:
        return f(Softsign{});
      case ActivationKind::kSoftplus:
        return f(Softplus{});
      case ActivationKind::kAffine:
        return f(Affine{alpha, beta});
      case ActivationKind::kTanh:
        break;
    }
    return f(Tanh{});
  }

  double clip_ = kNoClip;
  std::tuple<Ends<float>, Ends<double>> ends_;
};

}  // namespace tidegate
