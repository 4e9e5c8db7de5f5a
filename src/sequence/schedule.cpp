// The cost model: a step costs the larger of its multiply-adds and of the weights it streams from
// the cache that holds a thread's share, then the gates, then a barrier; a backward pass costs the
// gradients that it writes; a call costs a fork.
// `tidegate bench --schedules` measures the alternatives, and tests/test_schedule.py holds the
// model to them.
#include "sequence/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace tidegate {
namespace {

// Measured on a Zen 4 core at 3.7 GHz; only their proportions matter.
constexpr double kFlopsPerNs = 105;          // full register tiles, per core, 64-byte vectors
constexpr double kPrivateBytesPerNs = 100;   // weights streamed from a core's own L2
constexpr double kSharedBytesPerNs = 60;     // the same from L3
constexpr double kGradientBytesPerNs = 15;   // of dW and dR, whatever their rows, per core
constexpr double kGateNs = 6;                // epilogue, per row, slot and vector of 64 bytes
constexpr double kTileNs = 25;               // start and end of a register tile
constexpr double kBarrierNs = 250;           // one barrier
constexpr double kForkNs = 8000;             // one parallel region, and a margin for a busy machine
constexpr double kOverlap = 0.1;             // of the lesser of products and stream, not hidden
constexpr Index kSliceRows = 6;              // a batch slice fills a register tile
constexpr Index kPrivateBytes = 768 * 1024;  // weights that stay in one core's L2
constexpr Index kChunkBytes = 256 * 1024;    // projection buffer that stays in L2 beside them
constexpr Index kChunkRows = 24;  // rows that make the projection's weights worth reading
constexpr Index kFewRows = 48;    // of a step: the weights, read anew for every chunk, bind it
constexpr Index kChunkShare = 4;  // then the buffer may have this part of their size

thread_local const Schedule* forced = nullptr;

double streamed_ns(double bytes) {
  const bool fits = bytes <= static_cast<double>(kPrivateBytes);
  return bytes / (fits ? kPrivateBytesPerNs : kSharedBytesPerNs);
}

}  // namespace

double estimated_ns(const Work& w, const Schedule& s) {
  const Schedule::Slices whole = s.slices_of(0, s.threads);
  const double rows = static_cast<double>(ceil_div(w.batch, whole.batch_slices));
  const double groups = static_cast<double>(ceil_div(w.groups, whole.hidden_slices));
  const double share = groups / static_cast<double>(w.groups);
  const double inputs = static_cast<double>(w.input_size) / static_cast<double>(w.hidden_size);

  // Of one step. A vector holds half as many doubles as floats: operations are counted by the byte.
  const double bytes = share * static_cast<double>(w.recurrent_bytes);
  const double input_bytes = inputs * bytes / static_cast<double>(s.chunk);
  const double flops = rows * bytes / 2 * (1 + inputs);
  const double vectors =
      share * static_cast<double>(w.slots * ceil_div(w.hidden_size * w.element_bytes, 64));
  const double tiles = groups * std::ceil(rows / kSliceRows) * static_cast<double>(w.phases);
  const double products = flops / kFlopsPerNs, stream = streamed_ns(bytes + input_bytes);
  double step = std::max(products, stream) + kOverlap * std::min(products, stream);
  step += kGateNs * rows * vectors + kTileNs * tiles;
  if (whole.hidden_slices > 1) step += kBarrierNs * static_cast<double>(w.phases);
  const double gradients = static_cast<double>(w.gradient_bytes) / kGradientBytesPerNs;
  return step * static_cast<double>(w.steps) + gradients / s.threads +
         (s.threads > 1 ? kForkNs : 0);
}

Schedule make_schedule(const Work& w, int threads, bool prefer_batch) {
  Schedule s{threads, 1, w.groups, w.batch, prefer_batch};
  const Schedule::Slices whole = s.slices_of(0, threads);
  const Index row_bytes = w.slots * w.element_bytes * ceil_div(w.hidden_size, whole.hidden_slices);
  const Index rows = std::max<Index>(1, ceil_div(w.batch, whole.batch_slices));
  const Index of_weights = rows < kFewRows ? w.input_size / kChunkShare : 0;
  const Index chunk_rows =
      std::max({kChunkRows, kChunkBytes / std::max<Index>(1, row_bytes), of_weights});
  s.chunk = std::clamp<Index>(chunk_rows / rows, 1, std::max<Index>(1, w.steps));
  return s;
}

Schedule choose_schedule(const Work& w, int max_threads) {
  if (forced != nullptr) return *forced;
  const Index most = std::max<Index>(1, std::max(w.groups, w.batch / kSliceRows));
  const int team = static_cast<int>(std::min<Index>(max_threads, most));
  Schedule best = make_schedule(w, 1, false);
  double best_ns = estimated_ns(w, best);
  for (const bool prefer_batch : {false, true}) {
    const Schedule s = make_schedule(w, team, prefer_batch);
    const double ns = estimated_ns(w, s);
    if (ns < best_ns) {
      best = s;
      best_ns = ns;
    }
  }
  return best;
}

Schedule::Slices Schedule::slices_of(int thread, int team) const {
  // The preferred dimension takes as many slices as it can fill; the other takes the rest.
  Index first =
      std::min<Index>(team, prefer_batch ? std::max<Index>(1, batch / kSliceRows) : groups);
  while (team % first != 0) --first;
  const Index batch_slices = prefer_batch ? first : team / first;
  const Index hidden_slices = team / batch_slices;
  return {thread / hidden_slices, batch_slices, thread % hidden_slices, hidden_slices};
}

ScheduleOverride::ScheduleOverride(const Schedule& schedule) { forced = &schedule; }
ScheduleOverride::~ScheduleOverride() { forced = nullptr; }

}  // namespace tidegate
