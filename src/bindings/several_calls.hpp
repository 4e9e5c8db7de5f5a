// Several layers in one call over NumPy arrays: what a stack and the two directions of a
// bidirectional layer share. Checks go by the name of the door, such as "birnn".
#pragma once

#include <string>
#include <vector>

#include "bindings/layer_calls.hpp"
#include "sequence/stack.hpp"

namespace tidegate {

template <class T>
using WeightsList = std::vector<std::shared_ptr<LayerWeights<T>>>;
// (h, c) of each layer, None where omitted.
template <class T>
using StatesList = std::vector<std::pair<OptionalArray<T>, OptionalArray<T>>>;

// What a forward pass of several layers with training keeps.
template <class T>
struct SavedLayers {
  std::vector<SavedLayer<T>> layers;
  bool returns_y;
  std::unique_ptr<Recomputation<T>> recomputation;  // of all layers, which have none of their own

  void require_usable(const char* door) const {
    for (const SavedLayer<T>& layer : layers) layer.require_usable(door);
  }
  WeightsList<T> weights() const {
    WeightsList<T> all;
    for (const SavedLayer<T>& layer : layers) all.push_back(layer.weights);
    return all;
  }
  bool has_work() const { return layers.front().saved != nullptr; }
  void mark_used() {  // from here on: no second backward, also not from another thread
    for (SavedLayer<T>& layer : layers) layer.used = true;
  }
  void give_back() {
    recomputation.reset();
    for (SavedLayer<T>& layer : layers) layer.give_back();
  }
  void release_arrays() {
    for (SavedLayer<T>& layer : layers) layer.release_arrays();
  }
};
template <class T>
struct SavedStack : SavedLayers<T> {};
template <class T>
struct SavedDirections : SavedLayers<T> {};

// `door` is the function that was called.
template <class T>
void require_no_memory_decay(const char* door, const WeightsList<T>& weights) {
  for (std::size_t k = 0; k < weights.size(); ++k) {
    CHECK_ARG(!weights[k]->config().decays_memory,
              door << ": set " << k << " of the weights has weight_cc, and memory_decay is not for "
                   << "several layers in one call; expected weights without it (rnn_forward, once "
                   << "per layer and direction, takes both).");
  }
}

// States of each layer, checked. Messages call them by the list, `name`: name[layer][part], or
// name[part] where the caller gave one flat list.
template <class T>
std::vector<States<T>> checked_states(const std::string& name, bool flat,
                                      const WeightsList<T>& weights, StatesList<T>&& given,
                                      Index batch) {
  CHECK_ARG(given.size() == weights.size(), "core: as many states as layers.");
  std::vector<States<T>> all;
  int before = 0;
  for (std::size_t k = 0; k < given.size(); ++k) {
    all.push_back({std::move(given[k].first), std::move(given[k].second)});
    const auto named = [&](int part) {
      const std::string at = flat ? "" : "[" + std::to_string(k) + "]";
      return name + at + "[" + std::to_string(flat ? before + part : part) + "]";
    };
    all.back().check(named(0).c_str(), named(1).c_str(), *weights[k], batch);
    before += weights[k]->has_c() ? 2 : 1;
  }
  return all;
}

template <class T>
std::vector<States<T>> new_states(const WeightsList<T>& weights, Index batch) {
  std::vector<States<T>> all;
  for (const auto& layer : weights) all.push_back(States<T>::like(*layer, batch));
  return all;
}

// Where there is no step, nothing changes.
template <class T>
void take_all(std::vector<States<T>>& to, const std::vector<States<T>>& before) {
  for (std::size_t k = 0; k < to.size(); ++k) to[k].take(before[k]);
}

template <class T>
py::tuple as_tuples(const std::vector<States<T>>& states) {
  py::tuple all(states.size());
  for (std::size_t k = 0; k < states.size(); ++k) all[k] = states[k].as_tuple();
  return all;
}

// Where each layer's gradients go. One layer's must not lie in those of another, or in its weights.
template <class T>
std::vector<WeightGradients<T>> checked_gradients(const std::string& door,
                                                  const WeightsList<T>& weights,
                                                  const WeightsList<T>& out) {
  CHECK_ARG(out.size() == weights.size(), "core: as many gradients as layers.");
  std::vector<WeightGradients<T>> all;
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::string me = door + "_backward: out[" + std::to_string(k) + "]";
    all.push_back(out[k]->as_gradients_of(*weights[k], me.c_str()));
    for (std::size_t j = 0; j < out.size(); ++j) {
      if (j == k) continue;
      const std::string of = "[" + std::to_string(j) + "].";
      if (j < k) out[k]->require_apart_from(*out[j], me.c_str(), ("out" + of).c_str());
      out[k]->require_apart_from(*weights[j], me.c_str(), ("weights" + of).c_str());
    }
  }
  return all;
}

// Packs every layer and, for training, takes what it fills. Call without the GIL.
template <class T>
struct PackedLayers {
  std::vector<std::shared_ptr<const PackedWeights<T>>> packed;
  std::vector<std::unique_ptr<Saved<T>>> saved;

  PackedLayers(const WeightsList<T>& weights, bool training, Dims dims, int threads) {
    for (const auto& layer : weights) {
      packed.push_back(layer->packed(training, dims, threads));
      saved.push_back(training ? layer->take_saved(*packed.back()) : nullptr);
    }
  }
  void move_to(SavedLayers<T>& kept) {
    for (std::size_t k = 0; k < packed.size(); ++k) {
      kept.layers[k].packed = std::move(packed[k]);
      kept.layers[k].saved = std::move(saved[k]);
    }
  }
};

}  // namespace tidegate
