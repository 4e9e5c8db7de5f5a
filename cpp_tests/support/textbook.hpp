// The textbook: every cell as a plain loop over time, rows and units, written from the equations.
// It knows the options and the array layouts, nothing of how the engine computes.
//
//   LSTM   i = σ(W_i x + R_i h + P_i c + b_i)    f likewise    g = tanh(W_g x + R_g h + b_g)
//          c' = f∘c + i∘g     o = σ(W_o x + R_o h + P_o c' + b_o)     h' = o∘tanh(c')
//   GRU    r, z = σ(W x + R h + b)
//          n = tanh(W_n x + bW_n + r∘(R_n h + bR_n))  or  tanh(W_n x + R_n (r∘h) + b_n)
//          h' = z∘h + (1-z)∘n                         or  (1-z)∘h + z∘n
//   RNN    h' = tanh(W x + R h + b)
//
// Coupled gates k g o of an LSTM: k is f and i = 1 - f, or k is i and f = 1 - i. A T-LSTM takes
// c - s + d∘s in the place of c, where s = tanh(W_cc c + b_cc). Under layer normalisation LN(W x;
// γ) and LN(R h; γ) take the place of the products, and LN(c'; γ) + β that of c' in tanh(c'), where
// LN(a; γ) = γ∘(a - mean) / √(variance + 1e-5).
//
// At a step that is not valid the states stay; y is 0, or the y before (0 before the first).
//
// R is a floating-point type, or Var for the gradient.
#pragma once

#include "support/layer_arrays.hpp"
#include "support/tape.hpp"

namespace tidegate_test {

template <class R>
R activate(const Activation& activation, const R& a) {
  using std::exp;
  using std::tanh;
  switch (activation.kind) {
    case ActivationKind::kSigmoid:
      return R(1) / (R(1) + exp(-a));
    case ActivationKind::kRelu:
      return a > R(0) ? a : R(0);
    case ActivationKind::kLinear:
      return a;
    default:  // tanh; others are held to the NumPy reference, in Python
      return tanh(a);
  }
}

template <class R>
class Textbook {
  using Vector = std::vector<R>;

 public:
  Textbook(const Shape& shape, const LayerArrays<R>& arrays) : s_(shape), w_(arrays) {}

  LayerOutputs<R> forward() const {
    LayerOutputs<R> out;
    out.y.resize(at(s_.steps * s_.batch * s_.units));
    for (Index b = 0; b < s_.batch; ++b) {
      Vector h = row_of(w_.h0, b), c = row_of(w_.c0, b), y(at(s_.units), R(0));
      for (Index t = 0; t < s_.steps; ++t) {
        const bool valid = s_.valid(t, b);
        if (valid) step(t, b, h, c);
        if (valid) y = h;
        if (!valid && !s_.hold) continue;
        std::copy(y.begin(), y.end(), out.y.begin() + (t * s_.batch + b) * s_.units);
      }
      out.h_last.insert(out.h_last.end(), h.begin(), h.end());
      if (s_.has_c()) out.c_last.insert(out.c_last.end(), c.begin(), c.end());
    }
    return out;
  }

 private:
  Vector row_of(const Vector& states, Index b) const {
    if (states.empty()) return Vector(at(s_.units), R(0));
    return Vector(states.begin() + b * s_.units, states.begin() + (b + 1) * s_.units);
  }

  void step(Index t, Index b, Vector& h, Vector& c) const {
    const Vector x(w_.x.begin() + (t * s_.batch + b) * s_.inputs,
                   w_.x.begin() + (t * s_.batch + b + 1) * s_.inputs);
    const Index rows = s_.gates() * s_.units;
    const Vector input = affine(w_.weight_ih, w_.gamma_ih, w_.bias_ih, x, rows);
    const Vector recurrent = affine(w_.weight_hh, w_.gamma_hh, w_.bias_hh, h, rows);
    if (s_.config.kind == CellKind::kGru) return gru_step(input, recurrent, h);
    const Vector sum = plus(input, recurrent);
    if (s_.config.kind == CellKind::kLstm) return lstm_step(sum, faded(t, b, c), h, c);
    for (Index j = 0; j < s_.units; ++j) {
      h[at(j)] = activate(s_.config.activations.input, sum[at(j)]);
    }
  }

  // c* of a T-LSTM; else c.
  Vector faded(Index t, Index b, const Vector& c) const {
    if (!s_.config.decays_memory) return c;
    const R decay = w_.memory_decay[at(t * s_.batch + b)];
    Vector memory = affine(w_.weight_cc, {}, w_.bias_cc, c, s_.units);
    for (Index j = 0; j < s_.units; ++j) {
      using std::tanh;
      const R s = tanh(memory[at(j)]);
      memory[at(j)] = c[at(j)] - s + decay * s;
    }
    return memory;
  }

  void lstm_step(const Vector& sum, const Vector& c_prev, Vector& h, Vector& c) const {
    const auto& act = s_.config.activations;
    const Index output = s_.gates() - 1;
    const auto gate = [&](Index k, Index j) { return sum[at(k * s_.units + j)]; };
    for (Index j = 0; j < s_.units; ++j) {
      const R first = activate(act.recurrent, gate(0, j) + peephole(0, j, c_prev));
      const R g = activate(act.input, gate(output - 1, j));
      if (s_.is_coupled()) {
        const R kept = s_.config.coupled == Coupled::kInput ? first : R(1) - first;
        c[at(j)] = kept * c_prev[at(j)] + (R(1) - kept) * g;
      } else {
        const R f = activate(act.recurrent, gate(1, j) + peephole(1, j, c_prev));
        c[at(j)] = f * c_prev[at(j)] + first * g;
      }
    }
    Vector squashed = c;
    if (s_.config.layer_norm) squashed = plus(normalized(c, w_.gamma_c), w_.beta_c);
    for (Index j = 0; j < s_.units; ++j) {
      const R o = activate(act.recurrent, gate(output, j) + peephole(output - 1, j, c));
      h[at(j)] = o * activate(act.output, squashed[at(j)]);
    }
  }

  void gru_step(const Vector& input, const Vector& recurrent, Vector& h) const {
    const auto& act = s_.config.activations;
    const Vector h_prev = h;
    const auto gate = [&](Index k, Index j) {
      return activate(act.recurrent, input[at(k * s_.units + j)] + recurrent[at(k * s_.units + j)]);
    };
    Vector reset_h(at(s_.units));
    for (Index j = 0; j < s_.units; ++j) reset_h[at(j)] = gate(0, j) * h_prev[at(j)];
    const Vector of_reset_h = s_.config.reset_after
                                  ? Vector{}
                                  : affine(w_.weight_hh, {}, w_.bias_hh, reset_h, 3 * s_.units);
    for (Index j = 0; j < s_.units; ++j) {
      const std::size_t row = at(2 * s_.units + j);
      const R part = s_.config.reset_after ? gate(0, j) * recurrent[row] : of_reset_h[row];
      const R n = activate(act.input, input[row] + part);
      const R z = gate(1, j);
      const R kept = s_.config.retain ? z : R(1) - z;
      h[at(j)] = kept * h_prev[at(j)] + (R(1) - kept) * n;
    }
  }

  // weight * from, normalised if there is a gain, + bias.
  static Vector affine(const Vector& weight, const Vector& gamma, const Vector& bias,
                       const Vector& from, Index rows) {
    Vector product(at(rows), R(0));
    for (std::size_t row = 0; row < product.size(); ++row) {
      for (std::size_t k = 0; k < from.size(); ++k) {
        product[row] = product[row] + weight[row * from.size() + k] * from[k];
      }
    }
    if (!gamma.empty()) product = normalized(product, gamma);
    return bias.empty() ? product : plus(product, bias);
  }
  static Vector normalized(const Vector& a, const Vector& gamma) {
    using std::sqrt;
    const R count(static_cast<double>(a.size()));
    R mean(0), variance(0);
    for (const R& value : a) mean = mean + value / count;
    for (const R& value : a) variance = variance + (value - mean) * (value - mean) / count;
    const R scale = R(1) / sqrt(variance + R(1e-5));
    Vector result(a.size());
    for (std::size_t k = 0; k < a.size(); ++k) result[k] = gamma[k] * (scale * (a[k] - mean));
    return result;
  }
  static Vector plus(Vector a, const Vector& b) {
    for (std::size_t k = 0; k < a.size(); ++k) a[k] = a[k] + b[k];
    return a;
  }
  R peephole(Index which, Index unit, const Vector& c) const {
    if (s_.config.peephole == Peephole::kNone) return R(0);
    const Index row = which * s_.units + unit;
    if (s_.config.peephole == Peephole::kDiagonal) return w_.peephole[at(row)] * c[at(unit)];
    R sum(0);
    for (Index k = 0; k < s_.units; ++k) {
      sum = sum + w_.peephole[at(row * s_.units + k)] * c[at(k)];
    }
    return sum;
  }

  const Shape s_;
  const LayerArrays<R>& w_;
};

// Gradient of sum(dy∘y) + sum(dh_last∘h_last) + sum(dc_last∘c_last) by every array that is present.
inline LayerArrays<double> textbook_gradients(const Shape& shape, LayerArrays<double> arrays,
                                              const LayerOutputs<double>& upstream) {
  Tape::active().clear();
  LayerArrays<Var> inputs;
  for (std::size_t k = 0; k < LayerArrays<Var>::kCount; ++k) {
    for (const double value : *arrays.fields()[k].second) {
      inputs.fields()[k].second->push_back(Var::input(value));
    }
  }
  const LayerOutputs<Var> outputs = Textbook<Var>(shape, inputs).forward();
  std::vector<std::pair<Tape::Node, double>> seeds;
  const auto seed = [&](const std::vector<Var>& of, const std::vector<double>& with) {
    for (std::size_t k = 0; k < with.size(); ++k) seeds.emplace_back(of[k].node, with[k]);
  };
  seed(outputs.y, upstream.y);
  seed(outputs.h_last, upstream.h_last);
  seed(outputs.c_last, upstream.c_last);
  const std::vector<double> by_node = Tape::active().gradient(seeds);
  for (std::size_t k = 0; k < LayerArrays<Var>::kCount; ++k) {
    std::vector<double>& gradient = *arrays.fields()[k].second;
    const std::vector<Var>& by = *inputs.fields()[k].second;
    for (std::size_t e = 0; e < by.size(); ++e) {
      gradient[e] = by_node[static_cast<std::size_t>(by[e].node)];
    }
  }
  return arrays;
}

}  // namespace tidegate_test
