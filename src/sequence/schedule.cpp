#include "sequence/schedule.hpp"

#include <algorithm>

namespace tidegate {
namespace {

// Constants of the model, measured on a Zen 4 core at 3.7 GHz; only their order of magnitude
// matters.
constexpr double kFlopsPerNs = 60;           // products of step size, per core
constexpr double kBytesPerNs = 80;           // weights streamed from L2
constexpr double kGateNs = 0.4;              // epilogue, per gate of a unit
constexpr double kBarrierNs = 250;           // one barrier, two threads
constexpr double kForkNs = 20000;            // one parallel region, and a margin for a busy machine
constexpr Index kSliceRows = 6;              // a batch slice fills a register tile
constexpr Index kPrivateBytes = 640 * 1024;  // recurrent weights that stay in one core's L2
constexpr Index kChunkBytes = 256 * 1024;    // projection buffer that stays in L2 beside them
constexpr Index kChunkRows = 24;  // rows that make the projection's weights worth reading

double serial_ns(const Work& w) {
  const double rows = static_cast<double>(w.batch);
  const double unit_slots = static_cast<double>(w.slots * w.hidden_size);
  const double flops = 2 * rows * unit_slots * static_cast<double>(w.hidden_size + w.input_size);
  const double bytes = static_cast<double>(w.recurrent_bytes);
  const double step =
      std::max(flops / kFlopsPerNs, bytes / kBytesPerNs) + kGateNs * rows * unit_slots;
  return step * static_cast<double>(w.steps);
}

}  // namespace

Schedule choose_schedule(const Work& w, int max_threads) {
  Schedule s{};
  s.groups = w.groups;
  s.batch = w.batch;
  const Index most = std::max<Index>(1, std::max(w.groups, w.batch / kSliceRows));
  s.threads = static_cast<int>(std::min<Index>(max_threads, most));
  s.prefer_batch = w.batch >= kSliceRows * s.threads && w.recurrent_bytes <= kPrivateBytes;

  const double serial = serial_ns(w);
  const double barriers = s.prefer_batch ? 0 : kBarrierNs * static_cast<double>(w.steps * w.phases);
  const double saved = serial * (1.0 - 1.0 / s.threads);
  if (saved <= barriers + kForkNs) s.threads = 1;

  const Schedule::Slices whole = s.slices_of(0, s.threads);
  const Index row_bytes = w.slots * w.element_bytes * ceil_div(w.hidden_size, whole.hidden_slices);
  const Index rows = std::max<Index>(1, ceil_div(w.batch, whole.batch_slices));
  const Index chunk_rows = std::max(kChunkRows, kChunkBytes / std::max<Index>(1, row_bytes));
  s.chunk = std::clamp<Index>(chunk_rows / rows, 1, std::max<Index>(1, w.steps));
  return s;
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

}  // namespace tidegate
