// fma_peak(), read_bandwidth(): what the silicon gives, measured where the engine is measured. For
// benchmarks.
#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#include "base/check.hpp"
#include "base/team.hpp"
#include "bindings/read_bandwidth.hpp"
#include "bindings/register.hpp"
#include "math/lane.hpp"

namespace tidegate {
namespace {

constexpr int kChains = 12;  // hides the latency of a multiply-add at every ISA level

// Adds to each chain `rounds` times, without leaving the registers. A function of its own, so that
// one place decides where the chains are kept, whoever calls.
template <class T>
[[gnu::noinline]] void multiply_and_add(Lane<T>* chains, int rounds) {
  using V = Lane<T>;
  const V scale(T(0.999)), shift(T(0.001));
  V chain[kChains];
  std::copy(chains, chains + kChains, chain);
  for (int round = 0; round < rounds; ++round) {
    for (int c = 0; c < kChains; ++c) chain[c] = multiply_add(chain[c], scale, shift);
  }
  std::copy(chain, chain + kChains, chains);
}

// The best rate of one thread in GFLOP/s.
template <class T>
double chain_rate(double seconds) {
  using V = Lane<T>;
  using Clock = std::chrono::steady_clock;
  constexpr int kRounds = 20000;
  V chains[kChains];
  std::fill(chains, chains + kChains, V(T(1)));
  double best = 0;
  const auto start = Clock::now();
  auto last = start;
  while (std::chrono::duration<double>(last - start).count() < seconds) {
    multiply_and_add(chains, kRounds);
    const auto now = Clock::now();
    const double elapsed = std::chrono::duration<double>(now - last).count();
    best = std::max(best, 2e-9 * kRounds * kChains * static_cast<double>(V::kSize) / elapsed);
    last = now;
  }
  T lanes[V::kSize];
  chains[0].store(lanes);
  volatile T keep = lanes[0];  // so that the chains are computed
  (void)keep;
  return best;
}

template <class T>
double fma_peak(double seconds, int threads) {
  CHECK_ARG(threads >= 1, "fma_peak: threads is " << threads << "; expected at least 1.");
  std::vector<double> rates(static_cast<std::size_t>(threads), 0.0);
  run_team(threads, [&](int thread, int) {
    rates[static_cast<std::size_t>(thread)] = chain_rate<T>(seconds);
  });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

void register_probe(pybind11::module_& m) {
  using pybind11::arg;
  m.def("fma_peak32", &fma_peak<float>, arg("seconds"), arg("threads"),
        pybind11::call_guard<pybind11::gil_scoped_release>(),  // touches no Python object
        "Peak GFLOP/s of float32 multiply-adds on this ISA level.");
  m.def("fma_peak64", &fma_peak<double>, arg("seconds"), arg("threads"),
        pybind11::call_guard<pybind11::gil_scoped_release>(),  // touches no Python object
        "Peak GFLOP/s of float64 multiply-adds on this ISA level.");
  m.def("read_bandwidth", &read_bandwidth, arg("bytes_per_thread"), arg("seconds"), arg("threads"),
        pybind11::call_guard<pybind11::gil_scoped_release>(),  // touches no Python object
        "GB/s at which `threads` threads together read private buffers of this size again and "
        "again.");
}

}  // namespace tidegate
