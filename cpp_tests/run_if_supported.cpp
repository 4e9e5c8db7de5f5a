// run_if_supported LEVEL PROGRAM [ARGUMENTS]: runs PROGRAM if this CPU has LEVEL, else exits with
// 77, which ctest counts as skipped. Compiled for the oldest CPU; a level's own executable could
// not ask.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/cpu_features.hpp"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto levels = tidegate::supported_levels();
  if (std::find(levels.begin(), levels.end(), argv[1]) == levels.end()) {
    std::printf("this CPU lacks ISA level %s: skipped\n", argv[1]);
    return 77;
  }
  execv(argv[2], argv + 2);
  std::perror(argv[2]);
  return 2;
}
