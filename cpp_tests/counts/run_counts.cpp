// run_counts SHAPE: runs one call of the engine inside counted_pass(), so that callgrind
// (--toggle-collect=counted_pass) counts its instructions and no start-up. check.py drives it.
// The first, uncounted pass does what happens once per process.
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "sequence/backward.hpp"
#include "sequence/forward.hpp"
#include "support/layer_arrays.hpp"

using namespace tidegate_test;

extern "C" __attribute__((noinline)) void counted_pass(const std::function<void()>& pass) {
  pass();
}

namespace {

struct NamedShape {
  const char* name;
  Shape shape;
  bool training;
};

constexpr Peephole kNone = Peephole::kNone;

// Names hold T, B, I, H. Batch 1 is bound by reading the weights, the second by products, the
// third by everything around them.
const NamedShape kShapes[] = {
    {"lstm-inference-100-1-256-256",
     {{CellKind::kLstm, kNone, true, true, {}}, 100, 1, 256, 256},
     false},
    {"lstm-training-20-16-128-128",
     {{CellKind::kLstm, kNone, true, true, {}}, 20, 16, 128, 128},
     true},
    {"gru-training-10-32-1-10", {{CellKind::kGru, kNone, true, true, {}}, 10, 32, 1, 10}, true},
};

// The arrays of one layer and of one call, made before anything is counted.
class Layer {
 public:
  explicit Layer(const Shape& s)
      : s_(s),
        in_(random_arrays<float>(s, 1)),
        upstream_(random_upstream<float>(s, 2)),
        gradients_(in_),
        out_(upstream_),
        weights_(s.config, s.inputs, s.units) {}

  // With the weights packed before, as for every call but the first.
  void infer() { tidegate::run_forward<float>(weights_, problem(), nullptr, 1); }

  // What one step of an optimizer runs: pack, forward, backward.
  void train() {
    pack(true);
    const Index state = s_.batch * s_.units, input = s_.batch * s_.inputs;
    tidegate::Saved<float> saved(weights_);
    saved.prepare({s_.steps, s_.batch}, {in_.x.data(), input, s_.inputs},
                  {out_.y.data(), state, s_.units});
    tidegate::run_forward<float>(weights_, problem(), &saved, 1);
    const tidegate::BackwardProblem<float> backward{
        {upstream_.y.data(), state, s_.units},
        upstream_.h_last.data(),
        upstream_.c_last.data(),
        {gradients_.x.data(), input, s_.inputs},
        gradients_.h0.data(),
        gradients_.c0.data(),
        {gradients_.weight_ih.data(), gradients_.weight_hh.data(), gradients_.bias_ih.data(),
         gradients_.bias_hh.data(), nullptr}};
    tidegate::run_backward<float>(weights_, saved, backward, 1);
  }

  void pack(bool for_backward) {
    weights_.read_from({in_.weight_ih.data(), in_.weight_hh.data(), in_.bias_ih.data(),
                        in_.bias_hh.data(), nullptr});
    const tidegate::Dims dims{s_.steps, s_.batch};
    weights_.pack(for_backward ? tidegate::packing_of_one_step(dims) : tidegate::Packing::forward(),
                  1);
  }

 private:
  tidegate::ForwardProblem<float> problem() {
    const Index state = s_.batch * s_.units;
    return {{s_.steps, s_.batch},
            {in_.x.data(), s_.batch * s_.inputs, s_.inputs},
            {out_.y.data(), state, s_.units},
            in_.h0.data(),
            s_.has_c() ? in_.c0.data() : nullptr,
            out_.h_last.data(),
            out_.c_last.data()};
  }

  const Shape s_;
  const LayerArrays<float> in_;
  const LayerOutputs<float> upstream_;
  LayerArrays<float> gradients_;
  LayerOutputs<float> out_;
  tidegate::PackedWeights<float> weights_;
};

void run(const NamedShape& named) {
  Layer layer(named.shape);
  layer.pack(named.training);
  const std::function<void()> pass = [&] { named.training ? layer.train() : layer.infer(); };
  pass();
  counted_pass(pass);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string wanted = argc == 2 ? argv[1] : "";
  if (wanted == "--build") std::printf("%s; %s\n", TIDEGATE_COMPILER, TIDEGATE_BUILD_TYPE);
  for (const NamedShape& named : kShapes) {
    if (wanted == "--list") std::printf("%s\n", named.name);
    if (wanted != named.name) continue;
    run(named);
    return 0;
  }
  if (wanted == "--list" || wanted == "--build") return 0;
  std::fprintf(stderr, "run_counts: \"%s\" is no shape; --list names them\n", wanted.c_str());
  return 2;
}
