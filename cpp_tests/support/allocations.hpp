// How often this process has allocated so far, by whatever name: malloc and its relatives are
// replaced, and operator new calls them. Needs glibc, and a build without sanitizers, which replace
// them too.
#pragma once

#include <cstdlib>

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TIDEGATE_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TIDEGATE_SANITIZED
#endif
#if defined(__GLIBC__) && !defined(TIDEGATE_SANITIZED)
#define TIDEGATE_COUNTS_ALLOCATIONS
#endif

namespace tidegate_test {

long allocations();

}  // namespace tidegate_test
