// An owned array of T on a cache-line boundary. Contents start undefined unless zero() is called.
#pragma once

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>

#include "base/index.hpp"

namespace tidegate {

constexpr std::size_t kCacheLine = 64;

// a*b*c, or std::bad_alloc when the product does not fit: sizes are checked before memory is
// touched.
inline Index checked_product(Index a, Index b, Index c = 1) {
  const Index limit = std::numeric_limits<Index>::max() / 16;
  if (a == 0 || b == 0 || c == 0) return 0;
  if (a > limit / b || a * b > limit / c) throw std::bad_alloc();
  return a * b * c;
}

// Memory on a cache-line boundary. Large blocks ask for huge pages: rows of a sequence lie pages
// apart, and a miss of the translation cache costs more than one of the data cache.
inline void* allocate_aligned(Index bytes) {
  void* memory = nullptr;
  std::size_t size = static_cast<std::size_t>(bytes);
#ifdef MADV_HUGEPAGE
  constexpr std::size_t kHugePage = 2 * 1024 * 1024;
  const std::size_t pages = (size + kHugePage / 2) / kHugePage;  // the rest takes small pages
  if (pages > 0) {
    size = std::max(size, pages * kHugePage);
    if (posix_memalign(&memory, kHugePage, size) != 0) throw std::bad_alloc();
    madvise(memory, pages * kHugePage, MADV_HUGEPAGE);  // advice: failure changes nothing
    return memory;
  }
#endif
  if (posix_memalign(&memory, kCacheLine, size) != 0) throw std::bad_alloc();
  return memory;
}

template <class T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(Index size) { resize(size); }

  // Keeps the memory when it is large enough; contents are undefined afterwards. Nothing changes
  // when it throws.
  void resize(Index size) {
    if (size > capacity_) {
      data_.reset(static_cast<T*>(allocate_aligned(checked_product(size, sizeof(T)))));
      capacity_ = size;
    }
    size_ = size;
  }

  void zero() { std::fill(data(), data() + size_, T(0)); }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  Index size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };
  std::unique_ptr<T, Free> data_;
  Index size_ = 0;
  Index capacity_ = 0;
};

}  // namespace tidegate
