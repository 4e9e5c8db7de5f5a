#include "base/check.hpp"

#include "test.hpp"

static void require_positive(int n) {
  CHECK_ARG(n > 0, "require_positive: n is " << n << "; expected at least 1.");
}

TEST(check_arg_throws_invalid_argument_with_the_values) {
  CHECK_THROWS(require_positive(-3), "require_positive: n is -3; expected at least 1.");
  require_positive(3);
  bool is_invalid_argument = false;
  try {
    require_positive(0);
  } catch (const std::invalid_argument&) {
    is_invalid_argument = true;
  }
  CHECK(is_invalid_argument);
}
