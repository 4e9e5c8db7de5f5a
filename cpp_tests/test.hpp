// A small test harness. TEST(name) { ... } registers a case; CHECK* record a failure and go on.
// The executable runs the cases named on its command line, all without arguments, `--list` prints
// them. CMake reads the lines that start with TEST(name); a case that #if leaves out counts as
// skipped.
#pragma once

#include <cmath>
#include <exception>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace tidegate_test {

struct Case {
  std::string name;
  std::function<void()> run;
};

std::vector<Case>& cases();
void record_failure(const char* file, int line, const std::string& message);

struct Registration {
  Registration(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

// True if |actual - expected| <= tolerance; equal infinities and two NaNs count as near.
inline bool is_near(double actual, double expected, double tolerance) {
  if (std::isnan(actual) || std::isnan(expected)) return std::isnan(actual) && std::isnan(expected);
  return actual == expected || std::abs(actual - expected) <= tolerance;
}

template <class Function>
void check_throws(const char* file, int line, const char* expression, const std::string& part,
                  const Function& function) {
  try {
    function();
  } catch (const std::exception& error) {
    if (std::string(error.what()).find(part) != std::string::npos) return;
    record_failure(file, line,
                   std::string(expression) + " threw \"" + error.what() +
                       "\"; expected a message with \"" + part + "\"");
    return;
  }
  record_failure(file, line, std::string(expression) + " did not throw");
}

inline void check_near(const char* file, int line, const char* expression, double actual,
                       double expected, double tolerance) {
  if (is_near(actual, expected, tolerance)) return;
  std::ostringstream message;
  message.precision(17);
  message << expression << " is " << actual << "; expected " << expected << " within " << tolerance;
  record_failure(file, line, message.str());
}

}  // namespace tidegate_test

#define TEST(name)                                                                   \
  static void test_##name();                                                         \
  static const tidegate_test::Registration registration_##name(#name, &test_##name); \
  static void test_##name()

#define CHECK(condition)                                                                         \
  do {                                                                                           \
    if (!(condition)) tidegate_test::record_failure(__FILE__, __LINE__, #condition " is false"); \
  } while (false)

#define CHECK_NEAR(actual, expected, tolerance)                                       \
  tidegate_test::check_near(__FILE__, __LINE__, #actual, static_cast<double>(actual), \
                            static_cast<double>(expected), static_cast<double>(tolerance))

// The expression must throw a std::exception whose message contains `part`.
#define CHECK_THROWS(expression, part) \
  tidegate_test::check_throws(__FILE__, __LINE__, #expression, part, [&] { (void)(expression); })
