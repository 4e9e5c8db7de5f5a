// A forked child inherits the bookkeeping of libgomp's thread pool but not its threads, and hangs in
// its first parallel region (GCC bug 60035). So the pool of the forking thread
// is released just before every fork; pools of other threads do not exist in the child. The next
// region makes a new pool on either side.
#include "base/fork_safety.hpp"

#if defined(_OPENMP) && (defined(__unix__) || defined(__APPLE__))
#include <omp.h>
#include <pthread.h>

#include <mutex>
#endif

namespace tidegate {

#if defined(_OPENMP) && (defined(__unix__) || defined(__APPLE__)) && \
    (_OPENMP >= 201811 || (defined(__GNUC__) && !defined(__clang__)))

namespace {
void release_pool() {
  if (omp_in_parallel() == 0) omp_pause_resource_all(omp_pause_soft);
}
}  // namespace

void ensure_fork_safety() {
  static std::once_flag registered;
  std::call_once(registered, [] { pthread_atfork(&release_pool, nullptr, nullptr); });
}

#else

void ensure_fork_safety() {}

#endif

}  // namespace tidegate
