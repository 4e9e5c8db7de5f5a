// Drives the engine's layer from plain arrays: packs, runs, and hands back arrays in the standard
// order (T, B, width), whatever the memory order was.
#pragma once

#include <memory>
#include <numeric>
#include <optional>

#include "sequence/backward.hpp"
#include "sequence/forward.hpp"
#include "sequence/recompute.hpp"
#include "support/layer_pointers.hpp"

namespace tidegate_test {

using tidegate::SequenceView;

// How sequence arrays lie in memory.
struct MemoryOrder {
  bool batch_first = false;
  bool reversed = false;  // the first step that runs is the last in memory
  Index gap = 0;          // elements between rows that are nobody's
};

template <class T>
class SequenceArray {
 public:
  SequenceArray(Index steps, Index batch, Index width, MemoryOrder order)
      : steps_(steps), batch_(batch), width_(width) {
    const Index row = width + order.gap;
    // Nothing to spare at the end: the sanitizer build sees a touch beyond it.
    memory_.assign(at(std::max<Index>(1, steps * batch * row)), kMark);
    view_ = {memory_.data(), order.batch_first ? row : batch * row,
             order.batch_first ? steps * row : row};
    if (order.reversed) view_ = {view_.at(steps - 1, 0), -view_.step, view_.row};
  }

  const SequenceView<T>& view() const { return view_; }
  SequenceView<const T> const_view() const { return {view_.data, view_.step, view_.row}; }
  void set(const std::vector<T>& values) {
    for_rows([&](T* row, Index k) { std::copy_n(values.data() + k, width_, row); });
  }
  std::vector<T> get() const {
    std::vector<T> values(at(steps_ * batch_ * width_));
    for_rows([&](const T* row, Index k) { std::copy_n(row, width_, values.data() + k); });
    return values;
  }
  // Elements that are not in any row still hold their mark.
  bool gaps_untouched() const {
    const auto marks = std::count(memory_.begin(), memory_.end(), kMark);
    return marks == static_cast<Index>(memory_.size()) - steps_ * batch_ * width_;
  }

 private:
  static constexpr T kMark = T(-12345.678);

  template <class F>
  void for_rows(const F& f) const {
    for (Index t = 0; t < steps_; ++t) {
      for (Index b = 0; b < batch_; ++b) f(view_.at(t, b), (t * batch_ + b) * width_);
    }
  }

  Index steps_, batch_, width_;
  std::vector<T> memory_;
  SequenceView<T> view_;
};

struct EngineOptions {
  int threads = 1;
  bool training = true;   // keep what backward() needs
  bool returns_y = true;  // else only the final state comes out
  MemoryOrder order{};
  Index recompute_every = 0;  // steps whose gates are kept at a time; 0: all
};

template <class T>
class Engine {
 public:
  Engine(const Shape& shape, const LayerArrays<T>& arrays, EngineOptions options = {})
      : s_(shape),
        in_(arrays),
        o_(options),
        ragged_(ragged_batch()),
        weights(shape.config, shape.inputs, shape.units),
        x_(s_.steps, s_.batch, s_.inputs, o_.order),
        memory_decay_(s_.steps, s_.batch, 1, o_.order),
        y_(s_.steps, s_.batch, s_.units, o_.order) {
    x_.set(in_.x);
    if (s_.config.decays_memory) memory_decay_.set(in_.memory_decay);
    pack(o_.threads);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void pack(int threads, tidegate::Packing packing = tidegate::Packing::all()) {
    weights.read_from(pointers_of(in_));
    weights.pack(packing, threads);
  }

  LayerOutputs<T> forward() {
    LayerOutputs<T> out;
    out.h_last.resize(at(s_.batch * s_.units));
    if (s_.has_c()) out.c_last.resize(out.h_last.size());
    tidegate::ForwardProblem<T> problem{rows(),
                                        x_.const_view().over(rows()),
                                        o_.returns_y ? y_.view().over(rows()) : SequenceView<T>{},
                                        or_null(in_.h0),
                                        or_null(in_.c0),
                                        out.h_last.data(),
                                        out.c_last.data(),
                                        masked_output(),
                                        factors()};
    if (o_.training && !saved_) saved_ = std::make_unique<tidegate::Saved<T>>(weights);
    if (o_.training && o_.recompute_every > 0) {
      recomputation_ = std::make_unique<tidegate::Recomputation<T>>(
          std::vector<tidegate::ForwardCall<T>>{{&weights, problem, saved_.get()}},
          tidegate::Order::kIndependent, o_.recompute_every);
      recomputation_->run_forward(o_.threads);
    } else {
      if (o_.training) {
        saved_->prepare(problem.rows, problem.x, problem.y.read_only(), problem.factors);
      }
      tidegate::run_forward<T>(weights, problem, saved_.get(), o_.threads);
    }
    if (o_.returns_y) out.y = y_.get();
    return out;
  }

  // Fills the arrays of `gradients` that are not empty; h0 and c0 always. forward() ran before.
  void backward(const LayerOutputs<T>& upstream, LayerArrays<T>& gradients) {
    SequenceArray<T> dy(s_.steps, s_.batch, s_.units, o_.order);
    SequenceArray<T> dx(s_.steps, s_.batch, s_.inputs, o_.order);
    if (!upstream.y.empty()) dy.set(upstream.y);
    const bool wants_dx = !gradients.x.empty();
    tidegate::BackwardProblem<T> problem{
        upstream.y.empty() ? SequenceView<const T>{} : dy.const_view().over(rows()),
        or_null(upstream.h_last),
        or_null(upstream.c_last),
        wants_dx ? dx.view().over(rows()) : SequenceView<T>{},
        gradients.h0.data(),
        gradients.c0.data(),
        pointers_of(gradients),
        masked_output()};
    SequenceArray<T> dmemory(s_.steps, s_.batch, s_.units, o_.order);
    const bool wants_dmemory = !gradients.memory_decay.empty();
    if (wants_dmemory) {  // the pass writes valid steps
      dmemory.set(std::vector<T>(at(s_.steps * s_.batch * s_.units)));
      problem.dmemory = dmemory.view().over(rows());
    }
    if (recomputation_) {
      recomputation_->run_backward({problem}, o_.threads);
    } else {
      tidegate::run_backward<T>(weights, *saved_, problem, o_.threads);
    }
    if (wants_dx) gradients.x = dx.get();
    if (wants_dmemory) gradients.memory_decay = sums_over_units(dmemory.get());
    gaps_untouched_ = gaps_untouched_ && dx.gaps_untouched();
  }

  // All gradients of what the layer has; NaN where the engine left something out.
  LayerArrays<T> backward(const LayerOutputs<T>& upstream) {
    LayerArrays<T> gradients = in_;
    gradients.h0.resize(at(s_.batch * s_.units));
    if (s_.has_c()) gradients.c0.resize(at(s_.batch * s_.units));
    for (const auto& field : gradients.fields()) {
      std::fill(field.second->begin(), field.second->end(), std::numeric_limits<T>::quiet_NaN());
    }
    backward(upstream, gradients);
    return gradients;
  }

  // The schedule of the forward pass: more than one thread, or the test of threads tests nothing.
  int threads_used() const { return choose_schedule(work_of(weights, rows()), o_.threads).threads; }
  // The rows of every pass.
  tidegate::ActiveRows rows() const {
    return ragged_ ? tidegate::ActiveRows(*ragged_) : tidegate::ActiveRows(s_.steps, s_.batch);
  }
  bool gaps_untouched() const { return gaps_untouched_ && y_.gaps_untouched(); }

 private:
  template <class Vector>
  static auto or_null(Vector& values) {
    return values.empty() ? nullptr : values.data();
  }

  // The mask in the order of time, not of the pass.
  std::optional<tidegate::RaggedBatch> ragged_batch() const {
    if (s_.mask.empty()) return std::nullopt;
    const auto mask = std::make_unique<bool[]>(s_.mask.size());
    for (Index b = 0; b < s_.batch; ++b) {
      for (Index t = 0; t < s_.steps; ++t) {
        const Index time = o_.order.reversed ? s_.steps - 1 - t : t;
        mask[at(b * s_.steps + time)] = s_.valid(t, b);
      }
    }
    return tidegate::RaggedBatch::from_mask(mask.get(), {s_.steps, s_.batch}, o_.order.reversed);
  }
  tidegate::StateFactors<T> factors() const {
    tidegate::StateFactors<T> all;
    if (s_.config.decays_memory) all.memory = memory_decay_.const_view();
    return all.over(rows());
  }
  std::vector<T> sums_over_units(const std::vector<T>& values) const {
    std::vector<T> sums;
    for (auto row = values.begin(); row != values.end(); row += s_.units) {
      sums.push_back(std::accumulate(row, row + s_.units, T(0)));
    }
    return sums;
  }
  tidegate::MaskedOutput masked_output() const {
    return s_.hold ? tidegate::MaskedOutput::kHold : tidegate::MaskedOutput::kZero;
  }

  const Shape s_;
  const LayerArrays<T> in_;
  const EngineOptions o_;
  const std::optional<tidegate::RaggedBatch> ragged_;

 public:
  tidegate::PackedWeights<T> weights;

 private:
  SequenceArray<T> x_, memory_decay_, y_;
  std::unique_ptr<tidegate::Saved<T>> saved_;
  std::unique_ptr<tidegate::Recomputation<T>> recomputation_;
  bool gaps_untouched_ = true;
};

}  // namespace tidegate_test
