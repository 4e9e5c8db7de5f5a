// Reverse-mode differentiation of scalar code: run a formula on Var instead of double, then ask for
// the gradient. The judge of the engine's hand-written backward pass.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace tidegate_test {

// The operations of the formula that runs, in order. One formula at a time.
class Tape {
 public:
  using Node = std::int32_t;
  static constexpr Node kConstant = -1;

  static Tape& active() {
    static Tape tape;
    return tape;
  }
  void clear() { operations_.clear(); }

  // value = f(a, b) with the partial derivatives of f; constants are not recorded.
  Node record(Node a, double df_da, Node b = kConstant, double df_db = 0) {
    if (a == kConstant && b == kConstant) return kConstant;
    return append({a, b, df_da, df_db});
  }
  Node new_input() { return append({kConstant, kConstant, 0, 0}); }

  // Gradient of sum_k seeds[k].second * seeds[k].first by every node.
  std::vector<double> gradient(const std::vector<std::pair<Node, double>>& seeds) const {
    std::vector<double> d(operations_.size(), 0.0);
    for (const auto& [node, seed] : seeds) {
      if (node != kConstant) d[static_cast<std::size_t>(node)] += seed;
    }
    for (std::size_t k = operations_.size(); k-- > 0;) {
      const Operation& f = operations_[k];
      if (f.a != kConstant) d[static_cast<std::size_t>(f.a)] += d[k] * f.df_da;
      if (f.b != kConstant) d[static_cast<std::size_t>(f.b)] += d[k] * f.df_db;
    }
    return d;
  }

 private:
  struct Operation {
    Node a, b;
    double df_da, df_db;
  };
  Node append(const Operation& operation) {
    operations_.push_back(operation);
    return static_cast<Node>(operations_.size()) - 1;
  }
  std::vector<Operation> operations_;
};

struct Var {
  double value = 0;
  Tape::Node node = Tape::kConstant;

  Var() = default;
  Var(double value_, Tape::Node node_ = Tape::kConstant) : value(value_), node(node_) {}
  static Var input(double value) { return {value, Tape::active().new_input()}; }
};

inline Var operator+(const Var& a, const Var& b) {
  return {a.value + b.value, Tape::active().record(a.node, 1, b.node, 1)};
}
inline Var operator-(const Var& a, const Var& b) {
  return {a.value - b.value, Tape::active().record(a.node, 1, b.node, -1)};
}
inline Var operator-(const Var& a) { return {-a.value, Tape::active().record(a.node, -1)}; }
inline Var operator*(const Var& a, const Var& b) {
  return {a.value * b.value, Tape::active().record(a.node, b.value, b.node, a.value)};
}
inline Var operator/(const Var& a, const Var& b) {
  const double ratio = a.value / b.value;
  return {ratio, Tape::active().record(a.node, 1 / b.value, b.node, -ratio / b.value)};
}
inline bool operator>(const Var& a, const Var& b) { return a.value > b.value; }
inline Var exp(const Var& a) {
  const double value = std::exp(a.value);
  return {value, Tape::active().record(a.node, value)};
}
inline Var sqrt(const Var& a) {
  const double value = std::sqrt(a.value);
  return {value, Tape::active().record(a.node, 0.5 / value)};
}
inline Var tanh(const Var& a) {
  const double value = std::tanh(a.value);
  return {value, Tape::active().record(a.node, 1 - value * value)};
}

}  // namespace tidegate_test
