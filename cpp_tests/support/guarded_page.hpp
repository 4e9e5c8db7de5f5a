// Memory whose first byte beyond the end is not mapped: touching it ends the process.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>

namespace tidegate_test {

class GuardedPage {
 public:
  GuardedPage() : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    void* pages =
        mmap(nullptr, 3 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<char*>(pages);
    mprotect(base_, page_, PROT_NONE);
    mprotect(base_ + 2 * page_, page_, PROT_NONE);
  }
  ~GuardedPage() { munmap(base_, 3 * page_); }
  GuardedPage(const GuardedPage&) = delete;
  GuardedPage& operator=(const GuardedPage&) = delete;

  // `count` elements that end where the page ends, or begin where it begins.
  template <class T>
  T* last(std::ptrdiff_t count) {
    return reinterpret_cast<T*>(base_ + 2 * page_) - count;
  }
  template <class T>
  T* first() {
    return reinterpret_cast<T*>(base_ + page_);
  }

 private:
  std::size_t page_;
  char* base_;
};

}  // namespace tidegate_test
