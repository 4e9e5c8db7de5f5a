// read_bandwidth(): GB/s at which a team reads private buffers again and again, each thread its
// own, the way the kernels read packed weights: full vectors, each fused into an accumulator. The
// size of a buffer chooses the level of the memory hierarchy. For benchmarks.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/barrier.hpp"
#include "base/check.hpp"
#include "base/team.hpp"
#include "math/lane.hpp"

namespace tidegate {

constexpr int kReadVectors = 12;  // chains that hide the latency of a multiply-add

// Reads `size` elements, a multiple of kReadVectors vectors, so many times. A function of its own,
// so that one place decides where the chains are kept.
[[gnu::noinline]] inline void read_sweeps(const float* from, Index size, Index sweeps,
                                          Lane<float>* sums) {
  using V = Lane<float>;
  const V scale(0.5F);
  V chain[kReadVectors];
  std::copy(sums, sums + kReadVectors, chain);
  for (Index sweep = 0; sweep < sweeps; ++sweep) {
    for (Index k = 0; k < size; k += kReadVectors * V::kSize) {
      for (int c = 0; c < kReadVectors; ++c) {
        chain[c] = multiply_add(V::load(from + k + c * V::kSize), scale, chain[c]);
      }
    }
  }
  std::copy(chain, chain + kReadVectors, sums);
}

// The threads read in lockstep, so that all of them share what they share; the best of many such
// windows counts.
inline double read_bandwidth(Index bytes_per_thread, double seconds, int threads) {
  using V = Lane<float>;
  using Clock = std::chrono::steady_clock;
  constexpr Index kBlock = kReadVectors * V::kSize, kWindowBytes = Index{4} << 20;
  CHECK_ARG(threads >= 1 && bytes_per_thread >= 1,
            "read_bandwidth: bytes_per_thread is " << bytes_per_thread << ", threads is " << threads
                                                   << "; expected at least 1 of both.");
  const Index size =
      round_up(std::max<Index>(bytes_per_thread / static_cast<Index>(sizeof(float)), 1), kBlock);
  const double sweep_bytes = static_cast<double>(size) * sizeof(float);
  const Index sweeps = std::max<Index>(1, kWindowBytes / static_cast<Index>(sweep_bytes));
  std::vector<AlignedBuffer<float>> buffers(static_cast<std::size_t>(threads));
  for (auto& buffer : buffers) buffer.resize(size);

  Barrier barrier;
  double best = 0;
  bool finished = false;  // written by thread 0 between barriers
  run_team(threads, [&](int thread, int team) {
    float* const buffer = buffers[static_cast<std::size_t>(thread)].data();
    std::fill(buffer, buffer + size, 0.25F);  // by its reader: pages on its own memory node
    V sums[kReadVectors];
    std::fill(sums, sums + kReadVectors, V(0.0F));
    read_sweeps(buffer, size, 1, sums);
    barrier.wait(team);
    const auto start = Clock::now();
    while (!finished) {
      barrier.wait(team);
      const auto begin = Clock::now();
      read_sweeps(buffer, size, sweeps, sums);
      barrier.wait(team);
      if (thread == 0) {
        const auto end = Clock::now();
        const double bytes = sweep_bytes * static_cast<double>(sweeps) * team;
        best = std::max(best, 1e-9 * bytes / std::chrono::duration<double>(end - begin).count());
        finished = std::chrono::duration<double>(end - start).count() >= seconds;
      }
      barrier.wait(team);
    }
    float lanes[V::kSize];
    volatile float keep = 0;  // so that the sums are computed
    for (const V& sum : sums) {
      sum.store(lanes);
      keep = keep + lanes[0];
    }
  });
  return best;
}

}  // namespace tidegate
