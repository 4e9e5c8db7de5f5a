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
        const R* x = w_.x.data() + (t * s_.batch + b) * s_.inputs;
        const bool valid = s_.valid(t, b);
        if (valid) step(x, h, c);
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

  void step(const R* x, Vector& h, Vector& c) const {
    if (s_.config.kind == CellKind::kLstm) return lstm_step(x, h, c);
    if (s_.config.kind == CellKind::kGru) return gru_step(x, h);
    const Vector h_prev = h;
    for (Index j = 0; j < s_.units; ++j) {
      h[at(j)] = activate(s_.config.activations.input, input(0, j, x) + recurrent(0, j, h_prev));
    }
  }

  void lstm_step(const R* x, Vector& h, Vector& c) const {
    const auto& act = s_.config.activations;
    const Vector h_prev = h, c_prev = c;
    const auto sum = [&](Index gate, Index j) {
      return input(gate, j, x) + recurrent(gate, j, h_prev);
    };
    for (Index j = 0; j < s_.units; ++j) {
      const R i = activate(act.recurrent, sum(0, j) + peephole(0, j, c_prev));
      const R f = activate(act.recurrent, sum(1, j) + peephole(1, j, c_prev));
      const R g = activate(act.input, sum(2, j));
      c[at(j)] = f * c_prev[at(j)] + i * g;
    }
    for (Index j = 0; j < s_.units; ++j) {
      const R o = activate(act.recurrent, sum(3, j) + peephole(2, j, c));
      h[at(j)] = o * activate(act.output, c[at(j)]);
    }
  }

  void gru_step(const R* x, Vector& h) const {
    const auto& act = s_.config.activations;
    const Vector h_prev = h;
    Vector r(at(s_.units)), z(at(s_.units)), reset_h(at(s_.units));
    for (Index j = 0; j < s_.units; ++j) {
      r[at(j)] = activate(act.recurrent, input(0, j, x) + recurrent(0, j, h_prev));
      z[at(j)] = activate(act.recurrent, input(1, j, x) + recurrent(1, j, h_prev));
      reset_h[at(j)] = r[at(j)] * h_prev[at(j)];
    }
    for (Index j = 0; j < s_.units; ++j) {
      const R recurrent_part =
          s_.config.reset_after ? r[at(j)] * recurrent(2, j, h_prev) : recurrent(2, j, reset_h);
      const R n = activate(act.input, input(2, j, x) + recurrent_part);
      const R kept = s_.config.retain ? z[at(j)] : R(1) - z[at(j)];
      h[at(j)] = kept * h_prev[at(j)] + (R(1) - kept) * n;
    }
  }

  // (W x + b_ih) and (R h + b_hh) of one unit of one gate.
  R input(Index gate, Index unit, const R* x) const {
    const Index row = gate * s_.units + unit;
    R sum = w_.bias_ih.empty() ? R(0) : w_.bias_ih[at(row)];
    for (Index k = 0; k < s_.inputs; ++k) sum = sum + w_.weight_ih[at(row * s_.inputs + k)] * x[k];
    return sum;
  }
  R recurrent(Index gate, Index unit, const Vector& h) const {
    const Index row = gate * s_.units + unit;
    R sum = w_.bias_hh.empty() ? R(0) : w_.bias_hh[at(row)];
    for (Index k = 0; k < s_.units; ++k) {
      sum = sum + w_.weight_hh[at(row * s_.units + k)] * h[at(k)];
    }
    return sum;
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
