// LayerWeights: the arrays of one layer as Python holds them, and their packed copy, made when a
// call first needs it and again after changed(). Memory of the old copy is used again when no call
// is reading it. What a call reads few times is not packed: it reads the arrays. Gradients go into
// a LayerWeights of their own.
#pragma once

#include <atomic>
#include <memory>

#include "base/fork_safety.hpp"
#include "bindings/arrays.hpp"
#include "bindings/weight_fields.hpp"
#include "sequence/backward.hpp"
#include "sequence/saved.hpp"

namespace tidegate {

template <class T>
class LayerWeights {
  using Fields = WeightFields<T>;

 public:
  // `arrays` by the names of WeightFields; None and what is missing are absent.
  LayerWeights(const CellConfig& config, const py::dict& arrays) : config_(config) {
    for (const auto& [key, value] : arrays) {
      if (!value.is_none()) arrays_[Fields::at(py::cast<std::string>(key))] = of_dtype(key, value);
    }
    const auto& w_ih = arrays_[Fields::at("weight_ih")];
    const auto& w_hh = arrays_[Fields::at("weight_hh")];
    CHECK_ARG(w_ih && w_hh && w_ih->ndim() == 2 && w_hh->ndim() == 2 && w_hh->shape(1) > 0,
              "core: weight_ih and weight_hh are matrices of at least one hidden unit.");
    input_size_ = w_ih->shape(1);
    output_size_ = w_hh->shape(1);
    const auto& w_hr = arrays_[Fields::at("weight_hr")];
    CHECK_ARG(!w_hr || (has_c() && w_hr->ndim() == 2 && w_hr->shape(1) > 0),
              "core: weight_hr is the LSTM's, a matrix of at least one hidden unit.");
    hidden_size_ = w_hr ? w_hr->shape(1) : output_size_;
    const WeightSizes sizes{plan_of(config).gates * hidden_size_, input_size_, hidden_size_,
                            output_size_};
    for (std::size_t k = 0; k < kArrays; ++k) {
      const WeightField<T>& field = Fields::kAll[k];
      const std::string name = std::string("core: ") + field.name;
      pointers_.*field.array = contiguous(arrays_[k], name.c_str(), field.shape(config, sizes));
    }
    CHECK_ARG((pointers_.peephole != nullptr) == (config.peephole != Peephole::kNone),
              "core: the peephole option and array disagree.");
    CHECK_ARG((pointers_.weight_cc != nullptr) == config.decays_memory,
              "core: decays_memory and weight_cc disagree.");
    check_norm();
  }

  Index input_size() const { return input_size_; }
  Index hidden_size() const { return hidden_size_; }
  Index output_size() const { return output_size_; }
  bool has_projection() const { return pointers_.weight_hr != nullptr; }
  const CellConfig& config() const { return config_; }
  bool has_c() const { return config_.kind == CellKind::kLstm; }

  // The arrays were modified in place: pack again before the next call.
  void changed() { version_.fetch_add(1, std::memory_order_acq_rel); }
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // Where the gradients of `weights` go; arrays that are absent here are not computed. `name` says
  // who was called and what this is.
  WeightGradients<T> as_gradients_of(const LayerWeights& weights,
                                     const char* name = "rnn_backward: out") {
    for (std::size_t k = 0; k < kArrays; ++k) {
      if (arrays_[k]) require_fit(name, k, weights);
    }
    WeightGradients<T> gradients{};
    for (const WeightField<T>& field : Fields::kAll) {
      gradients.*field.gradient = const_cast<T*>(pointers_.*field.array);
    }
    return gradients;
  }

  // For several layers in one call: these arrays take gradients, `other` must not lie in them.
  void require_apart_from(const LayerWeights& other, const char* name,
                          const char* other_name) const {
    for (std::size_t k = 0; k < kArrays; ++k) {
      for (std::size_t o = 0; arrays_[k] && o < kArrays; ++o) {
        require_apart(name, k, other.arrays_[o], other_name, o);
      }
    }
  }

  void fill_with_zeros() {
    for (OptionalArray<T>& array : arrays_) {
      if (array) std::fill_n(array->mutable_data(), array->size(), T(0));
    }
  }

  // The weights of the present version as a call over `dims` reads them. They never change while a
  // caller holds them: calls from other threads may be reading them. Call without the GIL: it may
  // wait for a thread that packs.
  std::shared_ptr<const PackedWeights<T>> packed(bool training, Dims dims, int threads) {
    const std::lock_guard<std::mutex> lock(fork_safe_mutex(this));
    const std::uint64_t wanted_version = version();
    if (!training) spare_.reset();  // a layer that serves does not hold what training needed
    const bool is_new = packed_version_ != wanted_version;
    // A version that comes back will come back again.
    const Packing wanted = !training ? Packing::forward()
                           : is_new  ? packing_of_one_step(dims)
                                     : Packing::all();
    if (is_new || !packing_.covers(wanted)) {
      std::shared_ptr<PackedWeights<T>> target = std::move(packed_);
      packed_version_ = 0;
      const Packing all = is_new ? wanted : packing_.both(wanted);
      if (target && target.use_count() == 1) {
        std::atomic_thread_fence(std::memory_order_acquire);  // after the last reader let go
        if (is_new) target->read_from(pointers_);
      } else {
        target = std::make_shared<PackedWeights<T>>(config_, input_size_, hidden_size_,
                                                    has_projection() ? output_size_ : 0);
        target->read_from(pointers_);
      }
      // Small weights are packed sooner than a team is formed.
      const bool small = (input_size_ + hidden_size_) * hidden_size_ < kSmall;
      target->pack(all, small ? 1 : threads);
      packed_ = std::move(target);
      packed_version_ = wanted_version;
      packing_ = all;
    }
    return packed_;
  }

  // What a forward pass with training fills: that of an earlier call, if it was given back.
  std::unique_ptr<Saved<T>> take_saved(const PackedWeights<T>& packed) {
    const std::lock_guard<std::mutex> lock(fork_safe_mutex(this));
    return spare_ ? std::move(spare_) : std::make_unique<Saved<T>>(packed);
  }
  void give_back(std::unique_ptr<Saved<T>> saved) {
    const std::lock_guard<std::mutex> lock(fork_safe_mutex(this));
    std::swap(spare_, saved);  // an older one is freed by the caller, outside of the lock
  }

 private:
  static constexpr Index kSmall = 64 * 1024;
  static constexpr std::size_t kArrays = Fields::kCount;

  void check_norm() const {
    const bool has_all = pointers_.gamma_ih != nullptr && pointers_.gamma_hh != nullptr;
    const bool has_any = pointers_.gamma_ih != nullptr || pointers_.gamma_hh != nullptr;
    const bool of_c = config_.layer_norm && has_c();
    CHECK_ARG(has_all == config_.layer_norm && has_any == config_.layer_norm &&
                  (pointers_.gamma_c != nullptr) == of_c && (pointers_.beta_c != nullptr) == of_c,
              "core: the layer_norm option and arrays disagree.");
    CHECK_ARG(
        !config_.layer_norm || (config_.reset_after && !has_projection() &&
                                config_.peephole != Peephole::kFull && !config_.decays_memory),
        "core: layer_norm does not combine with these options.");
  }

  // Without a conversion, which would write into a copy.
  static Array<T> of_dtype(const py::handle& name, const py::handle& value) {
    CHECK_ARG(py::isinstance<Array<T>>(value),
              "core: array \"" << py::cast<std::string>(name) << "\" has another dtype.");
    return py::reinterpret_borrow<Array<T>>(value);
  }

  // An array that takes gradients has the shape of the weight's, can be written, and lies apart
  // from all others: one would destroy the other.
  void require_fit(const char* me, std::size_t k, const LayerWeights& weights) const {
    const OptionalArray<T>&mine = arrays_[k], &theirs = weights.arrays_[k];
    const char* name = Fields::kAll[k].name;
    CHECK_ARG(theirs && mine->ndim() == theirs->ndim() &&
                  std::equal(mine->shape(), mine->shape() + mine->ndim(), theirs->shape()),
              me << "." << name << " has shape " << shape_text(*mine)
                 << "; expected that of the weights.");
    CHECK_ARG(mine->writeable(),
              me << "." << name << " is read-only; make out with CellWeights.view.");
    for (std::size_t other = 0; other < kArrays; ++other) {
      require_apart(me, k, weights.arrays_[other], "weights.", other);
      if (other > k) require_apart(me, k, arrays_[other], "out.", other);
    }
  }
  void require_apart(const char* me, std::size_t k, const OptionalArray<T>& other,
                     const char* owner, std::size_t other_k) const {
    if (!other) return;
    const Array<T>& mine = *arrays_[k];
    const bool apart = mine.size() == 0 || other->size() == 0 ||
                       mine.data() + mine.size() <= other->data() ||
                       other->data() + other->size() <= mine.data();
    CHECK_ARG(apart, me << "." << Fields::kAll[k].name << " shares memory with " << owner
                        << Fields::kAll[other_k].name
                        << "; expected arrays of its own (np.zeros_like).");
  }

  std::array<OptionalArray<T>, kArrays> arrays_;  // C-contiguous, in the order of WeightFields
  WeightArrays<T> pointers_{};                    // to their memory
  const CellConfig config_;
  Index input_size_ = 0, hidden_size_ = 0, output_size_ = 0;
  std::atomic<std::uint64_t> version_{1};

  std::shared_ptr<PackedWeights<T>> packed_;
  std::uint64_t packed_version_ = 0;  // 0: none
  Packing packing_{};
  std::unique_ptr<Saved<T>> spare_;
};

}  // namespace tidegate
