#include "support/allocations.hpp"

#ifdef TIDEGATE_COUNTS_ALLOCATIONS
#include <atomic>
#include <cerrno>

extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
}

// Visible: the shared libraries of C++ and OpenMP must find them, too.
#define REPLACES_LIBC extern "C" __attribute__((visibility("default")))

static std::atomic<long> count{0};

REPLACES_LIBC void* malloc(std::size_t size) noexcept {
  ++count;
  return __libc_malloc(size);
}
REPLACES_LIBC void* calloc(std::size_t number, std::size_t size) noexcept {
  ++count;
  return __libc_calloc(number, size);
}
REPLACES_LIBC void* realloc(void* memory, std::size_t size) noexcept {
  ++count;
  return __libc_realloc(memory, size);
}
REPLACES_LIBC void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  ++count;
  return __libc_memalign(alignment, size);
}
REPLACES_LIBC int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  ++count;
  *memory = __libc_memalign(alignment, size);
  return *memory != nullptr || size == 0 ? 0 : ENOMEM;
}

long tidegate_test::allocations() { return count; }
#endif
