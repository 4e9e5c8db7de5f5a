#include "base/fork.hpp"

#ifdef _OPENMP
#include <omp.h>
#include <pthread.h>
#endif

namespace tidegate {

#ifdef _OPENMP
namespace {

// Ends the idle threads of the thread that forks; its next parallel region starts new ones. Only this
// thread lives on in the child, so no other thread's pool matters there.
void before_fork() { omp_pause_resource_all(omp_pause_soft); }

}  // namespace

void release_threads_at_fork() {
  [[maybe_unused]] static const int installed = pthread_atfork(&before_fork, nullptr, nullptr);
}
#else
void release_threads_at_fork() {}
#endif

}  // namespace tidegate
