// The T-LSTM's step against its equations, its backward() against central differences of them.
#include "cells/time_lstm.hpp"

#include <cmath>

#include "support/random.hpp"
#include "test.hpp"

using tidegate::BackwardUnit;
using tidegate::ForwardUnit;
using tidegate::TimeLstmCell;

namespace {

using Cell = TimeLstmCell<>;
using V = tidegate::Lane<double>;

// Pre-activations of i f g o s, the state before and the decay; and what the step makes of them.
struct Step {
  long double a[5], c_prev, decay;

  long double c() const {
    const long double star = c_prev + (decay - 1) * std::tanh(a[Cell::kS]);
    return sigmoid(a[Cell::kF]) * star + sigmoid(a[Cell::kI]) * std::tanh(a[Cell::kG]);
  }
  long double h() const { return sigmoid(a[Cell::kO]) * std::tanh(c()); }
  static long double sigmoid(long double x) { return 1 / (1 + std::exp(-x)); }
};

double first(const V& lanes) {
  double values[V::kSize];
  lanes.store(values);
  return values[0];
}

// In every place of the lanes alike.
ForwardUnit<V> run(const Step& step) {
  ForwardUnit<V> u{};
  for (int s = 0; s < Cell::kSlots; ++s) u.a[s] = V(static_cast<double>(step.a[s]));
  u.c_prev = V(static_cast<double>(step.c_prev));
  u.memory_decay = V(static_cast<double>(step.decay));
  Cell{}.forward<0>(u);
  return u;
}

void check_backward(Step step, double dh, double dc) {
  const ForwardUnit<V> forward = run(step);
  BackwardUnit<V> u{};
  for (int s = 0; s < Cell::kSlots; ++s) u.s[s] = forward.a[s];
  u.c_prev = forward.c_prev;
  u.c = forward.c;
  u.memory_decay = forward.memory_decay;
  u.dh = V(dh);
  u.dc = V(dc);
  Cell{}.backward<0>(u);
  const auto slope = [&](long double& by) {
    constexpr long double kStep = 1e-5L;
    const long double here = by;
    by = here + kStep;
    const long double above = dh * step.h() + dc * step.c();
    by = here - kStep;
    const long double below = dh * step.h() + dc * step.c();
    by = here;
    return static_cast<double>((above - below) / (2 * kStep));
  };
  for (int s = 0; s < Cell::kSlots; ++s) CHECK_NEAR(first(u.s[s]), slope(step.a[s]), 1e-9);
  CHECK_NEAR(first(u.dc), slope(step.c_prev), 1e-9);  // but for what W_cc sends back
  CHECK_NEAR(first(u.dmemory_decay), slope(step.decay), 1e-9);
}

}  // namespace

TEST(time_lstm_cell_is_its_equations) {
  tidegate_test::Random random(1);
  for (int draw = 0; draw < 20; ++draw) {
    const auto q = random.values<double>(9);
    const Step step{{q[0], q[1], q[2], q[3], q[4]}, q[5], std::abs(q[6])};
    const ForwardUnit<V> u = run(step);
    CHECK_NEAR(first(u.c), static_cast<double>(step.c()), 1e-14);
    CHECK_NEAR(first(u.h), static_cast<double>(step.h()), 1e-14);
    check_backward(step, q[7], q[8]);
  }
}
