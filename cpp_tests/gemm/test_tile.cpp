// Every tile against one scalar chain of multiply-adds per output, bit for bit.
#include "gemm/tile.hpp"

#include <algorithm>

#include "support/floating.hpp"
#include "support/lanes.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::kMaxRows;
using tidegate::kMaxVectors;
using tidegate::max_rows;

template <class T>
struct TileData {
  Index rows, width, panel_stride, k_size, k_stride, init_stride;
  std::vector<T> operand, panel, init;

  TileData(Index rows_, int vectors, Index k_size_, Index k_stride_, bool shared_init)
      : rows(rows_),
        width(vectors * Lane<T>::kSize),
        panel_stride(width + k_size_ % 3),
        k_size(k_size_),
        k_stride(k_stride_),
        init_stride(shared_init ? 0 : width + 3) {
    Random random(static_cast<std::uint64_t>(rows * 1000 + k_size));
    operand = random.values<T>(rows * row_size());
    panel = random.values<T>(std::max<Index>(1, k_size * panel_stride));
    init = random.values<T>(std::max<Index>(1, rows) * (width + 3));
  }
  Index row_size() const { return std::max<Index>(1, k_size * k_stride); }
  const T* row(Index r) const { return operand.data() + r * row_size(); }

  T expected(Index r, Index column) const {
    T sum = init[at(r * init_stride + column)];
    for (Index k = 0; k < k_size; ++k) {
      sum = multiply_add_scalar(row(r)[k * k_stride], panel[at(k * panel_stride + column)], sum);
    }
    return sum;
  }
};

// `run` fills out, whose rows are 5 elements apart; between rows and after the last is a mark.
template <class T, class Run>
static bool matches_chain(const TileData<T>& d, const Run& run) {
  constexpr T kMark = T(-777);
  const Index out_stride = d.width + 5;
  std::vector<T> out(at((d.rows + 1) * out_stride), kMark);
  run(tidegate::TileOutput<T>{d.init.data(), d.init_stride, out.data(), out_stride});
  bool same = true;
  for (Index r = 0; r <= d.rows; ++r) {
    for (Index c = 0; c < out_stride; ++c) {
      const bool inside = r < d.rows && c < d.width;
      const T actual = out[at(r * out_stride + c)];
      same = same && same_bits(actual, inside ? d.expected(r, c) : kMark);
    }
  }
  return same;
}

template <class T>
static void check_kernels() {
  for (int vectors = 1; vectors <= kMaxVectors; ++vectors) {
    for (int rows = 1; rows <= max_rows(vectors); ++rows) {
      const auto kernel = tidegate::tile_kernel_for<T>(rows, vectors);
      CHECK(kernel != nullptr);
      for (const Index k_size : {0, 1, 2, 7, 64}) {
        for (const Index k_stride : {1, 3}) {
          const TileData<T> d(rows, vectors, k_size, k_stride, k_size == 7);
          const T* row_of[kMaxRows] = {};
          for (Index r = 0; r < rows; ++r) row_of[r] = d.row(r);
          CHECK(matches_chain(d, [&](const auto& to) {
            kernel(d.k_size, row_of, d.k_stride, d.panel.data(), d.panel_stride, to);
          }));
        }
      }
    }
  }
}
TEST(tile_kernels_are_one_chain_per_output) {
  check_kernels<float>();
  check_kernels<double>();
}

// Rows are divided into tiles; the result is that of any other division.
template <class T>
static void check_panels() {
  for (int vectors = 1; vectors <= kMaxVectors; ++vectors) {
    for (const Index rows : {0, 1, 5, 6, 7, 8, 9, 13, 24, 25, 50}) {
      for (const bool shared_init : {false, true}) {
        const TileData<T> d(rows, vectors, 19, 2, shared_init);
        const auto row_of = [&](Index r) { return d.row(r); };
        CHECK(matches_chain(d, [&](const auto& to) {
          tidegate::multiply_panel<T>(d.k_size, d.rows, row_of, d.k_stride,
                                      {d.panel.data(), d.panel_stride, vectors}, to);
        }));
      }
    }
  }
}
TEST(tile_panel_of_any_number_of_rows) {
  check_panels<float>();
  check_panels<double>();
}

template <class T>
static void check_in_place() {
  const TileData<T> d(7, 3, 11, 1, false);
  std::vector<T> sums = d.init;
  const auto row_of = [&](Index r) { return d.row(r); };
  tidegate::multiply_panel<T>(d.k_size, d.rows, row_of, 1, {d.panel.data(), d.panel_stride, 3},
                              {sums.data(), d.init_stride, sums.data(), d.init_stride});
  for (Index r = 0; r < d.rows; ++r) {
    for (Index c = 0; c < d.width; ++c)
      CHECK(same_bits(sums[at(r * d.init_stride + c)], d.expected(r, c)));
  }
}
TEST(tile_accumulates_in_place) {
  check_in_place<float>();
  check_in_place<double>();
}

TEST(tile_heights_fit_the_registers) {
  for (int vectors = 1; vectors <= kMaxVectors; ++vectors) {
    CHECK(max_rows(vectors) >= 1 && max_rows(vectors) <= kMaxRows);
    CHECK(max_rows(vectors) * vectors < tidegate::kRegisters);
    if (vectors > 1) CHECK(max_rows(vectors) <= max_rows(vectors - 1));
  }
}
