// Several layers over the same steps and rows, side by side or stacked, run through the calls of
// sequence/together.hpp and sequence/stack.hpp. Results come back as one list of arrays.
#pragma once

#include <deque>

#include "sequence/stack.hpp"
#include "support/layer_pointers.hpp"

namespace tidegate_test {

using tidegate::Order;
using tidegate::SequenceView;

template <class T>
using Arrays = std::vector<std::vector<T>>;

template <class T>
class SeveralLayers {
 public:
  // Chained layers: each takes the units of the one before as its inputs.
  SeveralLayers(const std::vector<CellConfig>& configs, tidegate::Dims dims, Index inputs,
                const std::vector<Index>& units, Order order)
      : dims_(dims), order_(order) {
    for (std::size_t j = 0; j < configs.size(); ++j) {
      const bool chained = j > 0 && order == Order::kChained;
      const Shape s{configs[j], dims.steps, dims.batch, chained ? units[j - 1] : inputs, units[j]};
      layers_.emplace_back(s, 80 + j);
    }
  }

  // Forward and, when training, backward: together on a team, or one after the other if team is 1.
  Arrays<T> run_calls(int team, int threads, bool training) {
    clear();
    std::vector<tidegate::ForwardCall<T>> forward;
    for (std::size_t j = 0; j < layers_.size(); ++j) {
      Layer& layer = layers_[j];
      const auto x = j > 0 && chained() ? read_only(layers_[j - 1].y, layers_[j - 1].s.units)
                                        : read_only(layer.in.x, layer.s.inputs);
      layer.saved.prepare(dims_, x, read_only(layer.y, layer.s.units),
                          factors_of(layer.in, dims_.batch));
      forward.push_back({&layer.weights,
                         {dims_, x, view(layer.y, layer.s.units), layer.in.h0.data(),
                          layer.in.c0.data(), layer.h_last.data(), layer.c_last.data(),
                          tidegate::MaskedOutput::kZero, factors_of(layer.in, dims_.batch)},
                         training ? &layer.saved : nullptr});
    }
    tidegate::run_calls(forward, order_, team, threads);
    if (!training) return results(false);
    std::vector<tidegate::BackwardCall<T>> backward;
    for (std::size_t j = layers_.size(); j-- > 0;) {
      Layer& layer = layers_[j];
      const bool top = j + 1 == layers_.size() || !chained();
      const auto dy = top ? read_only(layer.upstream.y, layer.s.units)
                          : read_only(layers_[j + 1].d.x, layer.s.units);
      backward.push_back({&layer.weights,
                          &layer.saved,
                          {dy, layer.upstream.h_last.data(), layer.upstream.c_last.data(),
                           view(layer.d.x, layer.s.inputs), layer.d.h0.data(), layer.d.c0.data(),
                           layer.gradients()}});
    }
    tidegate::run_calls(backward, order_, team, threads);
    return results(true);
  }

  // The same through run_stack; only the last layer has a y and only the first a dx.
  Arrays<T> run_stack(int threads, bool training) {
    clear();
    Layer &first = layers_.front(), &last = layers_.back();
    std::vector<tidegate::StackedForward<T>> forward;
    std::vector<tidegate::StackedBackward<T>> backward;
    for (Layer& layer : layers_) {
      forward.push_back({&layer.weights, training ? &layer.saved : nullptr, layer.in.h0.data(),
                         layer.in.c0.data(), layer.h_last.data(), layer.c_last.data()});
      backward.push_back({&layer.weights, &layer.saved, layer.upstream.h_last.data(),
                          layer.upstream.c_last.data(), layer.d.h0.data(), layer.d.c0.data(),
                          layer.gradients()});
    }
    tidegate::run_stack(forward, dims_, read_only(first.in.x, first.s.inputs),
                        view(last.y, last.s.units), tidegate::MaskedOutput::kZero, threads);
    if (!training) return results(false);
    tidegate::run_stack(backward, read_only(last.upstream.y, last.s.units),
                        view(first.d.x, first.s.inputs), tidegate::MaskedOutput::kZero, threads);
    return results(true);
  }

  std::vector<tidegate::Work> works() const {
    std::vector<tidegate::Work> all;
    for (const Layer& layer : layers_) all.push_back(work_of(layer.weights, dims_));
    return all;
  }

 private:
  struct Layer {
    Shape s;
    LayerArrays<T> in, d;
    LayerOutputs<T> upstream;
    tidegate::PackedWeights<T> weights;
    tidegate::Saved<T> saved;
    std::vector<T> y, h_last, c_last;

    Layer(const Shape& shape, std::uint64_t seed)
        : s(shape),
          in(random_arrays<T>(s, seed)),
          d(in),
          upstream(random_upstream<T>(s, seed + 7)),
          weights(s.config, s.inputs, s.units),
          saved(weights),
          y(upstream.y.size()),
          h_last(upstream.h_last.size()),
          c_last(upstream.c_last.size()) {
      weights.read_from(pointers_of(std::as_const(in)));
      weights.pack(tidegate::Packing::all(), 1);
    }
    tidegate::WeightGradients<T> gradients() { return pointers_of(d); }
  };

  bool chained() const { return order_ == Order::kChained; }
  SequenceView<T> view(std::vector<T>& values, Index width) const {
    return {values.data(), dims_.batch * width, width};
  }
  SequenceView<const T> read_only(const std::vector<T>& values, Index width) const {
    return {values.data(), dims_.batch * width, width};
  }

  // Nothing of an earlier run is left to be taken for a result.
  void clear() {
    for (Layer& layer : layers_) {
      for (auto* array : {&layer.y, &layer.h_last, &layer.c_last}) {
        std::fill(array->begin(), array->end(), T(-99));
      }
      for (const auto& field : layer.d.fields()) {
        std::fill(field.second->begin(), field.second->end(), T(-99));
      }
    }
  }

  // What both ways return: not what passes between stacked layers.
  Arrays<T> results(bool training) {
    Arrays<T> all;
    for (std::size_t j = 0; j < layers_.size(); ++j) {
      Layer& layer = layers_[j];
      all.push_back(layer.h_last);
      all.push_back(layer.c_last);
      if (!chained() || j + 1 == layers_.size()) all.push_back(layer.y);
      if (!training) continue;
      for (const auto& [name, array] : layer.d.fields()) {
        if (std::string(name) != "x" || !chained() || j == 0) all.push_back(*array);
      }
    }
    clear();
    return all;
  }

  const tidegate::Dims dims_;
  const Order order_;
  std::deque<Layer> layers_;
};

template <class T>
bool same_arrays(const Arrays<T>& a, const Arrays<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& p, const auto& q) { return same_bits(p, q); });
}

}  // namespace tidegate_test
