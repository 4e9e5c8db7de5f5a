#include "base/aligned_buffer.hpp"

#include <cstdint>
#include <utility>

#include "test.hpp"

using tidegate::AlignedBuffer;
using tidegate::checked_product;
using tidegate::Index;
using tidegate::kCacheLine;

static constexpr Index kHuge = std::numeric_limits<Index>::max();

TEST(aligned_buffer_is_on_a_cache_line) {
  for (Index size : {1, 2, 15, 16, 17, 1000}) {
    AlignedBuffer<float> floats(size);
    AlignedBuffer<double> doubles(size);
    CHECK(reinterpret_cast<std::uintptr_t>(floats.data()) % kCacheLine == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(doubles.data()) % kCacheLine == 0);
    CHECK(floats.size() == size && !floats.empty());
  }
}

// Large blocks lie on a huge page, whether or not the system grants one.
TEST(aligned_buffer_large_blocks_hold_what_they_promise) {
  for (const Index bytes : {1048576, 2097152, 3145727, 3145728, 9000000}) {
    AlignedBuffer<char> buffer(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % kCacheLine == 0);
    buffer.zero();
    buffer.data()[bytes - 1] = 1;
    CHECK(buffer.size() == bytes && buffer.data()[0] == 0);
  }
}

TEST(aligned_buffer_empty) {
  AlignedBuffer<double> buffer;
  CHECK(buffer.empty() && buffer.size() == 0);
  buffer.zero();
  buffer.resize(0);
  CHECK(buffer.empty());
}

TEST(aligned_buffer_zero_fills_all_of_it) {
  AlignedBuffer<double> buffer(37);
  for (Index k = 0; k < 37; ++k) buffer.data()[k] = 1.5;
  buffer.zero();
  for (Index k = 0; k < 37; ++k) CHECK(buffer.data()[k] == 0);
}

TEST(aligned_buffer_keeps_memory_that_is_large_enough) {
  AlignedBuffer<float> buffer(100);
  const float* memory = buffer.data();
  buffer.resize(10);
  CHECK(buffer.data() == memory && buffer.size() == 10);
  buffer.resize(100);
  CHECK(buffer.data() == memory && buffer.size() == 100);
  buffer.resize(101);
  buffer.data()[100] = 1;  // inside the new memory: the sanitizer build proves it
  CHECK(buffer.size() == 101);
}

TEST(aligned_buffer_moves_without_copying) {
  AlignedBuffer<float> from(8);
  from.data()[7] = 3;
  const float* memory = from.data();
  const AlignedBuffer<float> to = std::move(from);
  CHECK(to.data() == memory && to.size() == 8 && to.data()[7] == 3);
}

TEST(checked_product_is_exact_or_bad_alloc) {
  CHECK(checked_product(3, 4, 5) == 60);
  CHECK(checked_product(7, 9) == 63);
  CHECK(checked_product(0, kHuge, kHuge) == 0);
  CHECK(checked_product(kHuge, kHuge, 0) == 0);
  CHECK(checked_product(Index{1} << 30, Index{1} << 28) == Index{1} << 58);
  CHECK_THROWS(checked_product(kHuge, 2), "bad_alloc");
  CHECK_THROWS(checked_product(kHuge, kHuge, kHuge), "bad_alloc");
  CHECK_THROWS(checked_product(Index{1} << 32, Index{1} << 32), "bad_alloc");
  CHECK_THROWS(checked_product(Index{1} << 21, Index{1} << 21, Index{1} << 21), "bad_alloc");
}

TEST(aligned_buffer_is_unchanged_when_it_cannot_grow) {
  AlignedBuffer<double> buffer(4);
  buffer.zero();
  CHECK_THROWS(buffer.resize(Index{1} << 61), "bad_alloc");
  CHECK(buffer.size() == 4 && buffer.data() != nullptr && buffer.data()[3] == 0);
}

TEST(aligned_buffer_too_large_is_bad_alloc) {
  CHECK_THROWS(AlignedBuffer<double>(kHuge), "bad_alloc");
  CHECK_THROWS(AlignedBuffer<double>(kHuge / 8 + 1), "bad_alloc");  // the bytes overflow
#if !defined(__SANITIZE_ADDRESS__)  // which ends the process instead
  CHECK_THROWS(AlignedBuffer<float>(Index{1} << 55), "bad_alloc");  // the bytes fit, no memory does
#endif
}
