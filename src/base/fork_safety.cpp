// A forked child inherits the bookkeeping of libgomp's thread pool but not its threads, and hangs
// in its first parallel region (GCC bug 60035). So the pool of the forking thread is released just
// before every fork; pools of other threads do not exist in the child. The next region makes a new
// pool on either side. A mutex that another thread holds would stay locked in the child for ever,
// so fork takes all of them first. The child also forgets the calls that other threads had in
// flight.
#include "base/fork_safety.hpp"

#include <array>
#include <cstdint>

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

constexpr std::size_t kMutexes = 64;

std::array<std::mutex, kMutexes>& mutexes() {
  static std::array<std::mutex, kMutexes> all;
  return all;
}

[[maybe_unused]] void before_fork() {
#ifdef TIDEGATE_CAN_PAUSE
  if (omp_in_parallel() == 0) omp_pause_resource_all(omp_pause_soft);
#endif
  for (std::mutex& mutex : mutexes()) mutex.lock();
}

[[maybe_unused]] void after_fork_in_parent() {
  for (std::mutex& mutex : mutexes()) mutex.unlock();
}

[[maybe_unused]] void after_fork_in_child() {
  after_fork_in_parent();
  CallInFlight::forget_all();
}

}  // namespace

void ensure_fork_safety() {
#ifdef TIDEGATE_HAS_FORK
  static std::once_flag registered;
  std::call_once(registered,
                 [] { pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child); });
#endif
}

std::mutex& fork_safe_mutex(const void* owner) {
  ensure_fork_safety();
  // Owners are cache lines apart at least.
  return mutexes()[reinterpret_cast<std::uintptr_t>(owner) / 64 % kMutexes];
}

}  // namespace tidegate
