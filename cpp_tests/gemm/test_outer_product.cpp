#include "gemm/outer_product.hpp"

#include "support/floating.hpp"
#include "support/lanes.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::OuterProduct;

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
  T sum(Index e) const {
    T total = 0;
    for (Index r = 0; r < rows; ++r) total += da[at(r * da_stride + e)];
    return total;
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

// Vector v of the result, of which `valid` rows are taken; a mark follows them.
template <class T>
static bool vector_matches(const OuterProduct<T>& product, const ProductData<T>& d, int v,
                           Index valid) {
  constexpr T kMark = T(-777);
  std::vector<T> matrix(at(valid * d.columns) + 1, kMark), sums(at(valid) + 1, kMark);
  product.copy_rows(v, valid, d.columns, matrix.data());
  product.copy_sums(v, valid, sums.data());
  bool same = matrix.back() == kMark && sums.back() == kMark;
  for (Index row = 0; row < valid; ++row) {
    const Index e = v * Lane<T>::kSize + row;
    same = same && same_bits(sums[at(row)], d.sum(e));
    for (Index c = 0; c < d.columns; ++c) {
      same = same && same_bits(matrix[at(row * d.columns + c)], d.chain(e, c));
    }
  }
  return same;
}

template <class T>
static bool matches_chain(OuterProduct<T>& product, Index rows, int vectors, Index columns,
                          Index gap) {
  const ProductData<T> d(rows, vectors, columns, gap);
  product.run(
      rows, [&](Index r) { return d.da.data() + r * d.da_stride; }, vectors,
      [&](Index r) { return d.operand.data() + r * d.operand_stride; }, columns);
  bool same = true;
  for (int v = 0; v < vectors; ++v) {
    same = same && vector_matches(product, d, v, Lane<T>::kSize);
    same = same && vector_matches(product, d, v, Index{1});
    same = same && vector_matches(product, d, v, Lane<T>::kSize - 1);
  }
  return same;
}

// Blocks hold 32 to 256 rows, depending on the columns: row counts on both sides of a block's end.
template <class T>
static void check_products(Index columns, const std::vector<Index>& row_counts) {
  OuterProduct<T> product(columns);
  for (int vectors = 1; vectors <= tidegate::kMaxVectors; ++vectors) {
    for (const Index rows : row_counts) {
      CHECK(matches_chain(product, rows, vectors, columns, rows % 3));
    }
  }
}
template <class T>
static void check_column_counts() {
  check_products<T>(0, {1, 300});
  check_products<T>(1, {0, 1, 255, 256, 257, 513});
  check_products<T>(7, {1, 2, 255, 256, 257});
  check_products<T>(64, {5, 256, 300});
  check_products<T>(301, {216, 217, 218});
}
TEST(outer_product_is_one_chain_over_the_rows) {
  check_column_counts<float>();
  check_column_counts<double>();
}

TEST(outer_product_of_many_columns) {
  check_products<float>(2049, {31, 33});
  check_products<double>(2049, {31, 33});
}

// A later run, smaller or larger, starts from zero: nothing of the earlier one is left.
TEST(outer_product_scratch_serves_again) {
  OuterProduct<float> product(40);
  CHECK(matches_chain(product, 70, 4, 40, 0));
  CHECK(matches_chain(product, 3, 1, 5, 1));
  CHECK(matches_chain(product, 1, 3, 0, 0));
  CHECK(matches_chain(product, 300, 2, 39, 2));
}
