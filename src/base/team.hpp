// The one parallel construct of the code base: a team of threads that runs one function to its end.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#elif defined(TIDEGATE_STD_TEAM)
#include <thread>
#include <vector>
#endif

#include "base/denormals.hpp"
#include "base/fork_safety.hpp"

namespace tidegate {

// Runs body(thread, threads) on up to `threads` threads at once. The OpenMP runtime may grant
// fewer, so the body takes the count it is told. It must not throw. Uses the num_threads clause
// only: no global setting is read or changed. TIDEGATE_STD_TEAM is for ThreadSanitizer, which
// takes the waits of an OpenMP runtime that it did not compile for races.
template <class Body>
void run_team([[maybe_unused]] int threads, const Body& body) {
#ifdef _OPENMP
  if (threads > 1) {
    ensure_fork_safety();
#pragma omp parallel num_threads(threads)
    {
      const FlushDenormals flush;
      body(omp_get_thread_num(), omp_get_num_threads());
    }
    return;
  }
#elif defined(TIDEGATE_STD_TEAM)
  const auto member = [&](int thread) {
    const FlushDenormals flush;
    body(thread, threads);
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(member, thread);
  if (threads > 1) member(0);
  for (std::thread& other : others) other.join();
  if (threads > 1) return;
#endif
  const FlushDenormals flush;
  body(0, 1);
}

}  // namespace tidegate
