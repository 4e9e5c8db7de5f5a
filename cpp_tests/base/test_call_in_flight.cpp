#include "base/call_in_flight.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/barrier.hpp"
#include "test.hpp"

using tidegate::CallInFlight;

TEST(calls_in_flight_divide_the_threads) {
  const CallInFlight first;
  CHECK(first.share_of(4) == 4 && first.share_of(1) == 1);
  {
    const CallInFlight second;
    CHECK(second.share_of(4) == 2 && second.share_of(5) == 2 && second.share_of(1) == 1);
    const CallInFlight third;
    CHECK(third.share_of(8) == 2 && third.share_of(2) == 1);
  }
  const CallInFlight after;
  CHECK(after.share_of(4) == 2);  // those that ended no longer count
}

// The thread whose call is in flight does not exist in the child, so its call never ends there.
TEST(calls_in_flight_are_forgotten_in_a_child) {
  tidegate::Barrier called, done;
  std::thread other([&] {
    const CallInFlight call;
    called.wait(2);
    done.wait(2);
  });
  called.wait(2);
  const pid_t child = fork();
  if (child == 0) _exit(CallInFlight().share_of(4) == 4 ? 0 : 1);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(CallInFlight().share_of(4) == 2);  // the parent still counts it
  done.wait(2);
  other.join();
  CHECK(CallInFlight().share_of(4) == 4);
}
