// One layer with arrays of its own, on which the alternatives to a schedule are listed and timed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "sequence/backward.hpp"
#include "sequence/forward.hpp"

namespace tidegate {

// A pass has a schedule of its own: forward, forward that saves for the backward, backward.
enum class TrialPass { kInference, kSaving, kBackward };

struct Alternative {
  Schedule schedule;
  double estimated_ns;
  bool chosen;  // by choose_schedule()

  Schedule::Slices slices() const { return schedule.slices_of(0, schedule.threads); }
  bool same_as(const Schedule& other) const {
    return schedule.threads == other.threads && schedule.chunk == other.chunk &&
           slices().batch_slices == other.slices_of(0, other.threads).batch_slices;
  }
};

// Serves one caller at a time.
class ScheduleTrial {
 public:
  ScheduleTrial(const CellConfig& config, Dims dims, Index input_size, Index hidden_size,
                int threads)
      : weights_(config, input_size, hidden_size),
        dims_(dims),
        threads_(threads),
        saved_(weights_) {}

  // The choice first, then slices of units and of the batch on 1, 2, 4... threads, with the chunk
  // of the model, a quarter of it and four times as much. The backward pass has no chunk.
  std::vector<Alternative> alternatives(TrialPass pass) const {
    const Work work =
        pass == TrialPass::kBackward ? backward_work_of(weights_, dims_) : work_of(weights_, dims_);
    std::vector<Alternative> found;
    const auto add = [&](const Schedule& s) {
      for (const Alternative& known : found) {
        if (known.same_as(s)) return;
      }
      found.push_back({s, estimated_ns(work, s), found.empty()});
    };
    add(choose_schedule(work, threads_));
    for (int team = 1;; team = std::min(2 * team, threads_)) {
      for (const bool prefer_batch : {false, true}) {
        Schedule s = make_schedule(work, team, prefer_batch);
        const Index chunk = s.chunk;
        for (const Index other : {chunk, chunk / 4, 4 * chunk}) {
          s.chunk = std::clamp<Index>(other, 1, dims_.steps);
          if (pass != TrialPass::kBackward || other == chunk) add(s);
        }
      }
      if (team == threads_) return found;
    }
  }

  // The least time of runs that together take about `seconds`; at least one.
  double best_seconds(TrialPass pass, const Schedule& schedule, double seconds) {
    prepare();
    double best = std::numeric_limits<double>::infinity();
    const double end = now() + seconds;
    do {
      if (pass == TrialPass::kBackward) forward(&saved_);  // the gates that it overwrites
      const ScheduleOverride alternative(schedule);
      const double start = now();
      if (pass == TrialPass::kBackward) {
        backward();
      } else {
        forward(pass == TrialPass::kSaving ? &saved_ : nullptr);
      }
      best = std::min(best, now() - start);
    } while (now() < end);
    return best;
  }

 private:
  using Buffer = AlignedBuffer<float>;

  static double now() {
    using Clock = std::chrono::steady_clock;
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
  }

  // Makes the arrays when they are first needed: to list alternatives takes none.
  void prepare() {
    if (!x_.empty()) return;
    const Index units = weights_.hidden_size, inputs = weights_.input_size;
    const Index rows = weights_.plan.gates * units, sequence = dims_.steps * dims_.batch;
    std::mt19937 random(1);
    const auto fill = [&](Buffer& buffer, Index size, double scale) {
      std::uniform_real_distribution<float> values(static_cast<float>(-scale),
                                                   static_cast<float>(scale));
      buffer.resize(size);
      for (Index k = 0; k < size; ++k) buffer.data()[k] = values(random);
    };
    const Index sizes[] = {rows * inputs, rows * units, rows, rows};
    for (int k = 0; k < 4; ++k) {
      fill(arrays_[k], sizes[k], 1 / std::sqrt(static_cast<double>(units)));
      gradients_[k].resize(sizes[k]);
    }
    fill(x_, sequence * inputs, 1);
    fill(dy_, sequence * units, 1);
    y_.resize(sequence * units);
    dx_.resize(sequence * inputs);
    for (Buffer* state : {&h_, &c_, &dh_, &dc_}) state->resize(dims_.batch * units);
    weights_.read_from(
        {arrays_[0].data(), arrays_[1].data(), arrays_[2].data(), arrays_[3].data(), nullptr});
    weights_.pack(Packing::all(), threads_);
    saved_.prepare(dims_, view<const float>(x_, inputs), view<const float>(y_, units));
    forward(&saved_);
  }

  template <class T>
  SequenceView<T> view(Buffer& buffer, Index width) const {
    return {buffer.data(), dims_.batch * width, width};
  }

  void forward(Saved<float>* saved) {
    const ForwardProblem<float> problem{dims_,
                                        view<const float>(x_, weights_.input_size),
                                        view<float>(y_, weights_.hidden_size),
                                        nullptr,
                                        nullptr,
                                        h_.data(),
                                        c_.data()};
    run_forward<float>(weights_, problem, saved, threads_);
  }

  void backward() {
    const BackwardProblem<float> problem{view<const float>(dy_, weights_.hidden_size),
                                         nullptr,
                                         nullptr,
                                         view<float>(dx_, weights_.input_size),
                                         dh_.data(),
                                         dc_.data(),
                                         {gradients_[0].data(), gradients_[1].data(),
                                          gradients_[2].data(), gradients_[3].data(), nullptr}};
    run_backward<float>(weights_, saved_, problem, threads_);
  }

  PackedWeights<float> weights_;
  const Dims dims_;
  const int threads_;
  Saved<float> saved_;
  Buffer arrays_[4], gradients_[4];  // weight_ih, weight_hh, bias_ih, bias_hh
  Buffer x_, y_, dy_, dx_, h_, c_, dh_, dc_;
};

}  // namespace tidegate
