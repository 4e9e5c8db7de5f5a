// LayerWeights: the arrays of one layer as Python holds them, and their packed copy, made when a
// call first needs it and again after changed(). Memory of the old copy is used again when no call
// is reading it. Gradients go into a LayerWeights of their own.
#pragma once

#include <atomic>
#include <memory>

#include "base/fork_safety.hpp"
#include "bindings/arrays.hpp"
#include "sequence/backward.hpp"
#include "sequence/saved.hpp"

namespace tidegate {

template <class T>
class LayerWeights {
 public:
  LayerWeights(const CellConfig& config, Array<T> weight_ih, Array<T> weight_hh,
               OptionalArray<T> bias_ih, OptionalArray<T> bias_hh, OptionalArray<T> peephole)
      : arrays_{std::move(weight_ih), std::move(weight_hh), std::move(bias_ih), std::move(bias_hh),
                std::move(peephole)},
        config_(config) {
    const auto& [w_ih, w_hh, b_ih, b_hh, p] = arrays_;
    CHECK_ARG(w_ih->ndim() == 2 && w_hh->ndim() == 2 && w_hh->shape(1) > 0,
              "core: weight_ih and weight_hh are matrices of at least one hidden unit.");
    input_size_ = w_ih->shape(1);
    hidden_size_ = w_hh->shape(1);
    const Index rows = plan_of(config).gates * hidden_size_;
    pointers_.weight_ih = contiguous<T>(w_ih, "core: weight_ih", Shape<2>{rows, input_size_});
    pointers_.weight_hh = contiguous<T>(w_hh, "core: weight_hh", Shape<2>{rows, hidden_size_});
    pointers_.bias_ih = contiguous<T>(b_ih, "core: bias_ih", Shape<1>{rows});
    pointers_.bias_hh = contiguous<T>(b_hh, "core: bias_hh", Shape<1>{rows});
    CHECK_ARG(p.has_value() == (config.peephole != Peephole::kNone),
              "core: the peephole option and array disagree.");
    pointers_.peephole =
        config.peephole == Peephole::kFull
            ? contiguous<T>(p, "core: peephole", Shape<3>{3, hidden_size_, hidden_size_})
            : contiguous<T>(p, "core: peephole", Shape<2>{3, hidden_size_});
  }

  Index input_size() const { return input_size_; }
  Index hidden_size() const { return hidden_size_; }
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
    const auto at = [](const T* memory) { return const_cast<T*>(memory); };
    return {at(pointers_.weight_ih), at(pointers_.weight_hh), at(pointers_.bias_ih),
            at(pointers_.bias_hh), at(pointers_.peephole)};
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

  // The packed copy of the present version. It never changes while a caller holds it: calls from
  // other threads may be reading it. Call without the GIL: it may wait for a thread that packs.
  std::shared_ptr<const PackedWeights<T>> packed(bool for_backward, int threads) {
    const std::lock_guard<std::mutex> lock(fork_safe_mutex(this));
    const std::uint64_t wanted = version();
    if (!for_backward) spare_.reset();  // a layer that serves does not hold what training needed
    if (packed_version_ != wanted || (for_backward && !packed_for_backward_)) {
      std::shared_ptr<PackedWeights<T>> target = std::move(packed_);
      packed_version_ = 0;
      if (target && target.use_count() == 1) {
        std::atomic_thread_fence(std::memory_order_acquire);  // after the last reader let go
      } else {
        target = std::make_shared<PackedWeights<T>>(config_, input_size_, hidden_size_);
      }
      // Small weights are packed sooner than a team is formed.
      const bool small = (input_size_ + hidden_size_) * hidden_size_ < kSmall;
      target->pack(pointers_, for_backward, small ? 1 : threads);
      packed_ = std::move(target);
      packed_version_ = wanted;
      packed_for_backward_ = for_backward;
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
  static constexpr std::size_t kArrays = 5;
  static constexpr const char* kNames[kArrays] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh",
                                                  "peephole"};

  // An array that takes gradients has the shape of the weight's, can be written, and lies apart
  // from all others: one would destroy the other.
  void require_fit(const char* me, std::size_t k, const LayerWeights& weights) const {
    const OptionalArray<T>&mine = arrays_[k], &theirs = weights.arrays_[k];
    const char* name = kNames[k];
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
    CHECK_ARG(apart, me << "." << kNames[k] << " shares memory with " << owner << kNames[other_k]
                        << "; expected arrays of its own (np.zeros_like).");
  }

  std::array<OptionalArray<T>, kArrays> arrays_;  // C-contiguous, in the order of kNames
  WeightArrays<T> pointers_{};                    // to their memory
  const CellConfig config_;
  Index input_size_ = 0, hidden_size_ = 0;
  std::atomic<std::uint64_t> version_{1};

  std::shared_ptr<PackedWeights<T>> packed_;
  std::uint64_t packed_version_ = 0;  // 0: none
  bool packed_for_backward_ = false;
  std::unique_ptr<Saved<T>> spare_;
};

}  // namespace tidegate
