// Argument checks: a failed one throws std::invalid_argument, which Python sees as ValueError.
#pragma once

#include <sstream>
#include <stdexcept>

// CHECK_ARG(ok, "rnn_forward: x has " << n << " features; expected " << m << ".")
#define CHECK_ARG(condition, message)                    \
  do {                                                   \
    if (!(condition)) {                                  \
      std::ostringstream check_arg_text;                 \
      check_arg_text << message;                         \
      throw std::invalid_argument(check_arg_text.str()); \
    }                                                    \
  } while (false)
