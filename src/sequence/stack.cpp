#include "sequence/stack.hpp"

#include "base/call_in_flight.hpp"

namespace tidegate {
namespace {

// The arrays between passes: link j is what pass j writes and pass j+1 reads. One pass after the
// other needs only two at a time.
template <class T>
class Links {
 public:
  Links(const ActiveRows& rows, std::size_t count, bool together)
      : rows_(rows), buffers_(together ? count : std::min<std::size_t>(count, 2)) {}

  // `width` units of each row; `most` is the largest width of all links.
  SequenceView<T> at(std::size_t j, Index width, Index most) {
    AlignedBuffer<T>& buffer = buffers_[j % buffers_.size()];
    if (buffer.empty()) buffer.resize(checked_product(rows_.total(), most));
    return compact_view(rows_, buffer.data(), width);
  }

 private:
  const ActiveRows rows_;
  std::vector<AlignedBuffer<T>> buffers_;
};

// Of every hidden state but the last layer's, which are also the widths of the layers' inputs.
template <class Layer>
Index widest_link(const std::vector<Layer>& layers) {
  Index most = 1;
  for (std::size_t k = 1; k < layers.size(); ++k) {
    most = std::max(most, layers[k].weights->input_size);
  }
  return most;
}

}  // namespace

template <class T>
void run_stack(const std::vector<StackedForward<T>>& layers, const ActiveRows& rows,
               SequenceView<const T> x, SequenceView<T> y, MaskedOutput masked_output,
               int threads) {
  const CallInFlight in_flight;
  const int share = in_flight.share_of(threads);
  std::vector<Work> works;
  for (const StackedForward<T>& layer : layers) works.push_back(work_of(*layer.weights, rows));
  const int team = choose_team(works, Order::kChained, share);

  const Index most = widest_link(layers);
  Links<T> links(rows, layers.size(), team > 1);
  std::vector<ForwardCall<T>> calls;
  for (std::size_t j = 0; j < layers.size(); ++j) {
    const StackedForward<T>& layer = layers[j];
    const bool is_last = j + 1 == layers.size();
    SequenceView<T> out = is_last ? y : SequenceView<T>{};
    // What is saved holds the outputs; without it they need a place of their own.
    if (!is_last && layer.saved == nullptr) out = links.at(j, layer.weights->output_size, most);
    calls.push_back({layer.weights,
                     {rows, x, out, layer.h0, layer.c0, layer.h_last, layer.c_last, masked_output},
                     layer.saved});
    if (layer.saved != nullptr) layer.saved->prepare(rows, x, out.read_only());
    x = layer.saved != nullptr ? layer.saved->h : out.read_only();
  }
  run_calls(calls, Order::kChained, team, share);
}

template <class T>
void run_stack(const std::vector<StackedBackward<T>>& layers, SequenceView<const T> dy,
               SequenceView<T> dx, MaskedOutput masked_output, int threads) {
  const CallInFlight in_flight;
  const int share = in_flight.share_of(threads);
  const ActiveRows& rows = layers.front().saved->rows;
  std::vector<Work> works;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    works.push_back(backward_work_of(*layer->weights, rows));
  }
  const int team = choose_team(works, Order::kChained, share);

  const Index most = widest_link(layers);
  Links<T> links(rows, layers.size(), team > 1);
  std::vector<BackwardCall<T>> calls;
  for (std::size_t j = 0; j < layers.size(); ++j) {  // the last layer first
    const StackedBackward<T>& layer = layers[layers.size() - 1 - j];
    const bool is_first_layer = j + 1 == layers.size();
    const SequenceView<T> to = is_first_layer ? dx : links.at(j, layer.weights->input_size, most);
    calls.push_back({layer.weights,
                     layer.saved,
                     {dy, layer.dh_last, layer.dc_last, to, layer.dh0, layer.dc0, layer.gradients,
                      masked_output}});
    calls.back().problem.accumulate = layer.accumulate;
    dy = to.read_only();
  }
  run_calls(calls, Order::kChained, team, share);
}

template void run_stack(const std::vector<StackedForward<float>>&, const ActiveRows&,
                        SequenceView<const float>, SequenceView<float>, MaskedOutput, int);
template void run_stack(const std::vector<StackedForward<double>>&, const ActiveRows&,
                        SequenceView<const double>, SequenceView<double>, MaskedOutput, int);
template void run_stack(const std::vector<StackedBackward<float>>&, SequenceView<const float>,
                        SequenceView<float>, MaskedOutput, int);
template void run_stack(const std::vector<StackedBackward<double>>&, SequenceView<const double>,
                        SequenceView<double>, MaskedOutput, int);

}  // namespace tidegate
