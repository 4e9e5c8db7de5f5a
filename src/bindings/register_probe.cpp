// fma_peak(), read_bandwidth(): what the silicon gives, measured where the engine is measured. For
// benchmarks.
#include <algorithm>
#include <chrono>
#include <vector>

#include "base/check.hpp"
#include "base/team.hpp"
#include "bindings/read_bandwidth.hpp"
#include "bindings/register.hpp"
#include "math/lane.hpp"

namespace tidegate {
namespace {

// Multiply-adds per second of chains that never leave their registers, times two, in GFLOP/s.
template <class T>
double fma_peak(double seconds, int threads) {
  using V = Lane<T>;
  using Clock = std::chrono::steady_clock;
  constexpr int kChains = 12, kRounds = 20000;
  CHECK_ARG(threads >= 1, "fma_peak: threads is " << threads << "; expected at least 1.");
  std::vector<double> rates(static_cast<std::size_t>(threads), 0.0);
  const pybind11::gil_scoped_release release;  // touches no Python object
  run_team(threads, [&](int thread, int) {
    V chain[kChains];
    for (V& c : chain) c = V(T(1));
    const V scale(T(0.999)), shift(T(0.001));
    double best = 0;
    const auto start = Clock::now();
    auto last = start;
    while (std::chrono::duration<double>(last - start).count() < seconds) {
      for (int round = 0; round < kRounds; ++round) {
        for (V& c : chain) c = multiply_add(c, scale, shift);
      }
      const auto now = Clock::now();
      const double elapsed = std::chrono::duration<double>(now - last).count();
      best = std::max(best, 2e-9 * kRounds * kChains * static_cast<double>(V::kSize) / elapsed);
      last = now;
    }
    V sum(T(0));
    for (const V& c : chain) sum = sum + c;
    T lanes[V::kSize];
    sum.store(lanes);
    volatile T keep = lanes[0];  // so that the chains are computed
    (void)keep;
    rates[static_cast<std::size_t>(thread)] = best;
  });
  double total = 0;
  for (const double rate : rates) total += rate;
  return total;
}

}  // namespace

void register_probe(pybind11::module_& m) {
  using pybind11::arg;
  m.def("fma_peak32", &fma_peak<float>, arg("seconds"), arg("threads"),
        "Peak GFLOP/s of float32 multiply-adds on this ISA level.");
  m.def("fma_peak64", &fma_peak<double>, arg("seconds"), arg("threads"),
        "Peak GFLOP/s of float64 multiply-adds on this ISA level.");
  m.def("read_bandwidth", &read_bandwidth, arg("bytes_per_thread"), arg("seconds"), arg("threads"),
        pybind11::call_guard<pybind11::gil_scoped_release>(),  // touches no Python object
        "GB/s at which `threads` threads together read private buffers of this size again and "
        "again.");
}

}  // namespace tidegate
