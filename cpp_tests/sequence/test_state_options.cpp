// What comes between a step's h and the next one, on slices of the batch and of the units: an
// LSTM's projection, whose product waits for every slice, and factors on the state. Every count of
// threads gives the bits of one.
#include "sequence/backward.hpp"
#include "sequence/forward.hpp"
#include "support/several_layers.hpp"
#include "test.hpp"

using namespace tidegate_test;

struct StateOptions {
  Index projection = 0;  // P, at most H; 0 for none
  bool scales = false, keeps = false;
};

// A layer whose h is (B, P), with an array of every kind.
template <class T>
class OptionalLayer {
 public:
  OptionalLayer(const Shape& shape, const StateOptions& options)
      : s_(shape),
        width_(options.projection > 0 ? options.projection : shape.units),
        in_(random_arrays<T>(s_, 33)),
        upstream_(random_upstream<T>(s_, 34)),
        weights_(s_.config, s_.inputs, s_.units, options.projection) {
    in_.weight_hh.resize(at(s_.gates() * s_.units * width_));
    in_.h0.resize(at(s_.batch * width_));
    upstream_.y.resize(at(s_.steps * s_.batch * width_));
    upstream_.h_last.resize(at(s_.batch * width_));
    Random random(35);
    const Index states = s_.steps * s_.batch * width_;
    if (options.projection > 0) weight_hr_ = random.values<T>(width_ * s_.units, 0.2);
    if (options.scales) scale_ = random.values<T>(states);
    if (options.keeps) {
      for (Index k = 0; k < states; ++k) keep_.push_back(static_cast<T>(random.uniform(0, 1)));
    }
    tidegate::WeightArrays<T> arrays = pointers_of(std::as_const(in_));
    if (options.projection > 0) arrays.weight_hr = weight_hr_.data();
    weights_.read_from(arrays);
    weights_.pack(tidegate::Packing::all(), 1);
  }

  // Everything that a forward and a backward pass write.
  Arrays<T> run(int threads) const {
    LayerOutputs<T> out = upstream_;
    LayerArrays<T> d = in_;
    std::vector<T> dhr = weight_hr_, dscale = scale_;
    const tidegate::Dims dims{s_.steps, s_.batch};
    const auto x = view(in_.x, s_.inputs);
    tidegate::Saved<T> saved(weights_);
    saved.prepare(dims, x, view(out.y, width_).read_only(), factors());
    tidegate::run_forward<T>(
        weights_,
        {dims, x, view(out.y, width_), in_.h0.data(), in_.c0.data(), out.h_last.data(),
         out.c_last.data(), tidegate::MaskedOutput::kZero, factors()},
        &saved, threads);
    tidegate::WeightGradients<T> gradients = pointers_of(d);
    if (!dhr.empty()) gradients.weight_hr = dhr.data();
    tidegate::BackwardProblem<T> problem{view(upstream_.y, width_),
                                         upstream_.h_last.data(),
                                         upstream_.c_last.data(),
                                         view(d.x, s_.inputs),
                                         d.h0.data(),
                                         d.c0.data(),
                                         gradients};
    if (!dscale.empty()) problem.dscale = view(dscale, width_);
    tidegate::run_backward<T>(weights_, saved, problem, threads);
    Arrays<T> results{out.y, out.h_last, out.c_last, dhr, dscale};
    for (const auto& field : d.fields()) results.push_back(*field.second);
    return results;
  }

  tidegate::Work work() const { return work_of(weights_, {s_.steps, s_.batch}); }

 private:
  template <class Vector>
  auto view(Vector& values, Index width) const {
    using Element = std::remove_pointer_t<decltype(values.data())>;
    return SequenceView<Element>{values.data(), s_.batch * width, width};
  }
  tidegate::StateFactors<T> factors() const {
    auto all = factors_of(in_, s_.batch);
    if (!scale_.empty()) all.scale = view(scale_, width_);
    if (!keep_.empty()) all.keep = view(keep_, width_);
    return all;
  }

  const Shape s_;
  const Index width_;
  LayerArrays<T> in_;
  LayerOutputs<T> upstream_;
  std::vector<T> weight_hr_, scale_, keep_;  // absent if empty
  tidegate::PackedWeights<T> weights_;
};

// Chunks are shorter than the sequences, so that a slice may be a chunk ahead.
template <class T>
static void check_threads(const Shape& s, const StateOptions& options) {
  const OptionalLayer<T> layer(s, options);
  const Arrays<T> expected = layer.run(1);
  for (const bool slice_batch : {false, true}) {
    for (int threads = 2; threads <= 4; ++threads) {
      auto schedule = make_schedule(layer.work(), threads, slice_batch);
      schedule.chunk = 8;
      const tidegate::ScheduleOverride chosen(schedule);
      CHECK(same_arrays(layer.run(threads), expected));
    }
  }
}

// The bindings refuse a projection of a normalised cell.
static bool may_project(const CellConfig& config) {
  return config.kind == CellKind::kLstm && !config.layer_norm;
}

TEST(threads_change_no_bit_with_a_projection) {
  for (const CellConfig& config : all_cells()) {
    if (!may_project(config)) continue;
    check_threads<float>({config, 20, 17, 5, 35}, {19});
    check_threads<double>({config, 20, 17, 5, 35}, {35});
  }
}

TEST(threads_change_no_bit_with_factors_on_the_state) {
  for (const CellConfig& config : all_cells()) {
    check_threads<float>({config, 20, 17, 5, 35}, {0, true, true});
    check_threads<double>({config, 20, 17, 5, 35}, {0, false, true});
    if (may_project(config)) check_threads<float>({config, 20, 17, 5, 35}, {19, true, true});
  }
}
