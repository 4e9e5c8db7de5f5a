// LayerWeights: the arrays of one layer as Python holds them, and their packed copy, made when a
// call first needs it and again after changed(). Memory of the old copy is used again when no call
// is reading it.
#pragma once

#include <atomic>
#include <memory>

#include "base/fork_safety.hpp"
#include "bindings/arrays.hpp"
#include "sequence/packed_weights.hpp"

namespace tidegate {

template <class T>
class LayerWeights {
 public:
  LayerWeights(const CellConfig& config, Array<T> weight_ih, Array<T> weight_hh,
               OptionalArray<T> bias_ih, OptionalArray<T> bias_hh, OptionalArray<T> peephole)
      : weight_ih_(std::move(weight_ih)),
        weight_hh_(std::move(weight_hh)),
        bias_ih_(std::move(bias_ih)),
        bias_hh_(std::move(bias_hh)),
        peephole_(std::move(peephole)),
        config_(config) {
    CHECK_ARG(weight_ih_->ndim() == 2 && weight_hh_->ndim() == 2 && weight_hh_->shape(1) > 0,
              "core: weight_ih and weight_hh are matrices of at least one hidden unit.");
    input_size_ = weight_ih_->shape(1);
    hidden_size_ = weight_hh_->shape(1);
    const Index rows = plan_of(config).gates * hidden_size_;
    arrays_.weight_ih = contiguous<T>(weight_ih_, "weight_ih", {rows, input_size_});
    arrays_.weight_hh = contiguous<T>(weight_hh_, "weight_hh", {rows, hidden_size_});
    arrays_.bias_ih = contiguous<T>(bias_ih_, "bias_ih", {rows});
    arrays_.bias_hh = contiguous<T>(bias_hh_, "bias_hh", {rows});
    CHECK_ARG(peephole_.has_value() == (config.peephole != Peephole::kNone),
              "core: the peephole option and array disagree.");
    arrays_.peephole = config.peephole == Peephole::kFull
                           ? contiguous<T>(peephole_, "peephole", {3, hidden_size_, hidden_size_})
                           : contiguous<T>(peephole_, "peephole", {3, hidden_size_});
  }

  Index input_size() const { return input_size_; }
  Index hidden_size() const { return hidden_size_; }
  const CellConfig& config() const { return config_; }

  // The arrays were modified in place: pack again before the next call.
  void changed() { version_.fetch_add(1, std::memory_order_acq_rel); }
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // The packed copy of the present version. It never changes while a caller holds it: calls from
  // other threads may be reading it. Call without the GIL: it may wait for a thread that packs.
  std::shared_ptr<const PackedWeights<T>> packed(bool for_backward, int threads) {
    const std::lock_guard<std::mutex> lock(fork_safe_mutex(this));
    const std::uint64_t wanted = version();
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
      target->pack(arrays_, for_backward, small ? 1 : threads);
      packed_ = std::move(target);
      packed_version_ = wanted;
      packed_for_backward_ = for_backward;
    }
    return packed_;
  }

 private:
  static constexpr Index kSmall = 16 * 1024;

  OptionalArray<T> weight_ih_, weight_hh_, bias_ih_, bias_hh_, peephole_;
  WeightArrays<T> arrays_{};
  const CellConfig config_;
  Index input_size_ = 0, hidden_size_ = 0;
  std::atomic<std::uint64_t> version_{1};

  std::shared_ptr<PackedWeights<T>> packed_;
  std::uint64_t packed_version_ = 0;  // 0: none
  bool packed_for_backward_ = false;
};

}  // namespace tidegate
