#include "gemm/outer_product.hpp"

#include "support/floating.hpp"
#include "support/lanes.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::ceil_div;
using tidegate::OuterProduct;
using tidegate::Range;

// A product whose rows of da and of the operand lie `gap` elements further apart than they are
// long.
template <class T>
struct ProductData {
  Index rows, columns, width, da_stride, operand_stride;
  std::vector<T> da, operand;

  ProductData(Index rows_, int vectors, Index columns_, Index gap)
      : rows(rows_),
        columns(columns_),
        width(vectors * Lane<T>::kSize),
        da_stride(width + gap),
        operand_stride(columns + gap) {
    Random random(static_cast<std::uint64_t>(rows + columns));
    da = random.values<T>(rows * da_stride + 1);
    operand = random.values<T>(rows * operand_stride + 1);
  }
  T chain(Index e, Index c) const {
    T total = 0;
    for (Index r = 0; r < rows; ++r) {
      total = multiply_add_scalar(operand[at(r * operand_stride + c)], da[at(r * da_stride + e)],
                                  total);
    }
    return total;
  }
};

// Vector v of the result, of which `valid` elements and a range of columns are taken; a mark
// follows.
template <class T>
static bool vector_matches(const OuterProduct<T>& product, const ProductData<T>& d, int v,
                           Index valid, Range columns) {
  constexpr T kMark = T(-777);
  std::vector<T> matrix(at(valid * columns.size()) + 1, kMark);
  product.write_rows(v, valid, columns, matrix.data());
  bool same = matrix.back() == kMark;
  for (Index row = 0; row < valid; ++row) {
    for (Index c = 0; c < columns.size(); ++c) {
      same = same && same_bits(matrix[at(row * columns.size() + c)],
                               d.chain(v * Lane<T>::kSize + row, columns.begin + c));
    }
  }
  return same;
}

template <class T>
static bool matches_chain(OuterProduct<T>& product, Index rows, int vectors, Index columns,
                          Index gap) {
  const ProductData<T> d(rows, vectors, columns, gap);
  product.run(rows, {d.da.data(), d.da_stride, vectors}, columns, [&](Index r, T* to) {
    std::copy_n(d.operand.data() + r * d.operand_stride, columns, to);
  });
  bool same = true;
  for (int v = 0; v < vectors; ++v) {
    same = same && vector_matches(product, d, v, Lane<T>::kSize, {0, columns});
    same = same && vector_matches(product, d, v, Index{1}, {columns / 2, columns});
    same = same && vector_matches(product, d, v, Lane<T>::kSize - 1, {0, columns / 3});
  }
  return same;
}

// Row counts on both sides of a block's end (256), vector counts on both sides of a panel's.
template <class T>
static void check_products(Index columns, const std::vector<Index>& row_counts) {
  OuterProduct<T> product;
  product.reserve(*std::max_element(row_counts.begin(), row_counts.end()), 3, columns);
  for (const int vectors : {1, 2, 3, 4, 5, 9, 12}) {
    for (const Index rows : row_counts) {
      CHECK(matches_chain(product, rows, vectors, columns, rows % 3));
    }
  }
}
template <class T>
static void check_column_counts() {
  check_products<T>(1, {0, 1, 255, 256, 257, 513});
  check_products<T>(7, {1, 2, 255, 256, 257});
  check_products<T>(119, {5, 300});
  check_products<T>(121, {5, 256});
  check_products<T>(301, {17});
  check_products<T>(90, {0, 1, 64});  // the most rows that go straight to the result
  check_products<T>(90, {65});
}
TEST(outer_product_is_one_chain_over_the_rows) {
  check_column_counts<float>();
  check_column_counts<double>();
}

// Rows in two runs, the second from what the first one wrote: the same chain.
template <class T>
static bool continues(Index rows, Index first, int vectors, Index columns) {
  const ProductData<T> d(rows, vectors, columns, 1);
  OuterProduct<T> product;
  product.reserve(rows, ceil_div(vectors, tidegate::kMaxVectors), columns);
  std::vector<T> sums(at(d.width * columns));
  const auto rows_of = [&](Index v) { return sums.data() + v * Lane<T>::kSize * columns; };
  const auto valid_of = [&](Index v) { return v + 1 < vectors ? Lane<T>::kSize : Index{1}; };
  const auto write = [&] {
    for (Index v = 0; v < vectors; ++v)
      product.write_rows(v, valid_of(v), {0, columns}, rows_of(v));
  };
  const auto gather = [&](Index from) {
    return [&, from](Index r, T* to) {
      std::copy_n(d.operand.data() + (from + r) * d.operand_stride, columns, to);
    };
  };
  product.run(first, {d.da.data(), d.da_stride, vectors}, columns, gather(0));
  write();
  product.run_from(rows - first, {d.da.data() + first * d.da_stride, d.da_stride, vectors}, columns,
                   gather(first),
                   [&](Index v) { product.read_rows(v, valid_of(v), {0, columns}, rows_of(v)); });
  write();
  bool same = true;
  for (Index e = 0; e <= (vectors - 1) * Lane<T>::kSize; ++e) {
    for (Index c = 0; c < columns; ++c) {
      same = same && same_bits(sums[at(e * columns + c)], d.chain(e, c));
    }
  }
  return same;
}
TEST(outer_product_continues_a_chain) {
  for (const Index columns : {1, 7, 40, 121}) {
    for (const int vectors : {1, 3, 5, 9}) {
      CHECK(continues<float>(30, 13, vectors, columns));
      CHECK(continues<float>(300, 120, vectors, columns));
      CHECK(continues<double>(64, 1, vectors, columns));
      CHECK(continues<double>(300, 299, vectors, columns));
    }
  }
}

TEST(outer_product_capacity_is_bounded) {
  OuterProduct<float> product;
  product.reserve(100, 2, 5);
  CHECK(product.capacity() == 2);
  product.reserve(100, 1000, 5);
  CHECK(product.capacity() > 2 && product.capacity() < 1000);
}

// A later run, smaller or larger, starts from zero: nothing of the earlier one is left.
TEST(outer_product_scratch_serves_again) {
  OuterProduct<float> product;
  product.reserve(300, 2, 40);
  CHECK(matches_chain(product, 70, 8, 40, 0));
  CHECK(matches_chain(product, 3, 1, 5, 1));
  CHECK(matches_chain(product, 300, 2, 39, 2));
}
