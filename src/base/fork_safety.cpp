// A forked child inherits the bookkeeping of libgomp's thread pool but not its threads, and hangs
// in its first parallel region (GCC bug 60035). So the pool of the forking thread is released just
// before every fork; pools of other threads do not exist in the child. The next region makes a new
// pool on either side. The child also forgets the calls that other threads had in flight.
#include "base/fork_safety.hpp"

#include <mutex>

#include "base/call_in_flight.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define TIDEGATE_HAS_FORK
#endif

#ifdef _OPENMP
#include <omp.h>
#if _OPENMP >= 201811 || (defined(__GNUC__) && !defined(__clang__))
#define TIDEGATE_CAN_PAUSE
#endif
#endif

namespace tidegate {
namespace {

[[maybe_unused]] void release_pool() {
#ifdef TIDEGATE_CAN_PAUSE
  if (omp_in_parallel() == 0) omp_pause_resource_all(omp_pause_soft);
#endif
}

}  // namespace

void ensure_fork_safety() {
#ifdef TIDEGATE_HAS_FORK
  static std::once_flag registered;
  std::call_once(registered,
                 [] { pthread_atfork(&release_pool, nullptr, &CallInFlight::forget_all); });
#endif
}

}  // namespace tidegate
