// A child of fork() has only the thread that forked; without the handler it would wait for threads
// that exist in the parent only.
#include "base/fork_safety.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "base/team.hpp"
#include "test.hpp"

static int members_of_team(int threads) {
  std::atomic<int> members{0};
  tidegate::run_team(threads, [&](int, int) { members += 1; });
  return members;
}

TEST(fork_child_runs_a_team_of_its_own) {
  tidegate::ensure_fork_safety();  // as every team does; again must do no harm
  const int members = members_of_team(3);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // ends a child that hangs
    _exit(members_of_team(3) == members ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(members_of_team(3) == members);  // and the parent goes on
}
