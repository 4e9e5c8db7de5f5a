#include <cstdio>
#include <cstring>

#include "test.hpp"

namespace tidegate_test {
namespace {

constexpr int kSkipped = 77;  // what ctest counts as skipped
int failures_in_case = 0;

bool passes(const Case& test) {
  failures_in_case = 0;
  try {
    test.run();
  } catch (const std::exception& error) {
    record_failure(test.name.c_str(), 0, std::string("unexpected exception: ") + error.what());
  }
  std::printf("%s %s\n", failures_in_case == 0 ? "ok  " : "FAIL", test.name.c_str());
  return failures_in_case == 0;
}

int run(int count, char** names) {
  int run_count = 0, failed = 0;
  for (const Case& test : cases()) {
    bool wanted = count == 0;
    for (int k = 0; k < count; ++k) wanted = wanted || test.name == names[k];
    if (!wanted) continue;
    ++run_count;
    if (!passes(test)) ++failed;
  }
  if (count > 0 && run_count != count) {
    std::printf("%d of %d named cases are in this build (--list prints all)\n", run_count, count);
    return failed == 0 ? kSkipped : 1;
  }
  std::printf("%d cases, %d failed\n", run_count, failed);
  return failed == 0 && run_count > 0 ? 0 : 1;
}

}  // namespace

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

void record_failure(const char* file, int line, const std::string& message) {
  ++failures_in_case;
  std::printf("%s:%d: %s\n", file, line, message.c_str());
}

}  // namespace tidegate_test

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
    for (const auto& test : tidegate_test::cases()) std::printf("%s\n", test.name.c_str());
    return 0;
  }
  return tidegate_test::run(argc - 1, argv + 1);
}
