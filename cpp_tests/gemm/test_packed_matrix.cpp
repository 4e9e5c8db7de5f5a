#include "gemm/packed_matrix.hpp"

#include "support/floating.hpp"
#include "support/lanes.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::PackedMatrix;

// A group of `vectors` vectors of which the last holds `valid` columns of a (K, columns) matrix.
static Index columns_of(Index vectors, Index lanes, Index valid) {
  return (vectors - 1) * lanes + valid;
}

// Group g's vector v is filled from columns v*lanes .. of matrix g, in two pieces of k.
template <class T>
static PackedMatrix<T> packed_from(const std::vector<std::vector<T>>& matrices, Index k_size,
                                   const std::vector<int>& group_vectors, Index valid) {
  const Index lanes = Lane<T>::kSize;
  PackedMatrix<T> packed(k_size, group_vectors);
  for (std::size_t g = 0; g < group_vectors.size(); ++g) {
    const Index columns = columns_of(group_vectors[g], lanes, valid);
    for (int v = group_vectors[g] - 1; v >= 0; --v) {  // the order must not matter
      const Index there = v == group_vectors[g] - 1 ? valid : lanes;
      const T* source = matrices[g].data() + v * lanes;
      const Index cut = k_size / 3;
      packed.fill(static_cast<Index>(g), v, {cut, k_size}, source + cut * columns, 1, columns,
                  there);
      packed.fill(static_cast<Index>(g), v, {0, cut}, source, 1, columns, there);
    }
  }
  return packed;
}

template <class T>
static void check_groups(Index k_size, Index rows, Index valid) {
  const Index lanes = Lane<T>::kSize;
  const std::vector<int> group_vectors{1, 4, 5, 2, 7, 3, 9, 16};
  Random random(3);
  std::vector<std::vector<T>> matrices;
  for (const int vectors : group_vectors) {
    matrices.push_back(random.values<T>(k_size * columns_of(vectors, lanes, valid) + 1));
  }
  const PackedMatrix<T> packed = packed_from(matrices, k_size, group_vectors, valid);
  CHECK(packed.k_size() == k_size);
  CHECK(packed.groups() == static_cast<Index>(group_vectors.size()));
  CHECK(packed.bytes() == k_size * 47 * lanes * static_cast<Index>(sizeof(T)));

  const auto operand = random.values<T>(rows * k_size + 1);
  for (std::size_t g = 0; g < group_vectors.size(); ++g) {
    const Index width = group_vectors[g] * lanes,
                columns = columns_of(group_vectors[g], lanes, valid);
    const auto init = random.values<T>(rows * width);
    std::vector<T> out(at(rows * width + lanes), T(-9));
    packed.multiply_group(static_cast<Index>(g), rows,
                          [&](Index r) { return operand.data() + r * k_size; },
                          {init.data(), width, out.data(), width});
    bool same = true;
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < width; ++c) {
        T sum = init[at(r * width + c)];
        for (Index k = 0; k < k_size && c < columns; ++k) {  // padding columns add nothing
          sum = multiply_add_scalar(operand[at(r * k_size + k)], matrices[g][at(k * columns + c)],
                                    sum);
        }
        same = same && same_bits(out[at(r * width + c)], sum);
      }
    }
    for (Index k = 0; k < lanes; ++k) same = same && out[at(rows * width + k)] == T(-9);
    CHECK(same);
  }
}
template <class T>
static void check_all_groups() {
  const Index lanes = Lane<T>::kSize;
  for (const Index k_size : {0, 1, 2, 33}) {
    for (const Index valid : {Index{1}, lanes - 1, lanes}) check_groups<T>(k_size, 7, valid);
  }
}
TEST(packed_matrix_groups_of_any_width) {
  check_all_groups<float>();
  check_all_groups<double>();
}

// The strides of a transposed source: packed(k, lane) = source[lane*lane_stride + k*k_stride]. Long
// enough for whole blocks of lanes and a rest, and in two pieces that are not blocks.
template <class T>
static void check_transposed_fill(Index valid) {
  const Index lanes = Lane<T>::kSize, k_size = 3 * lanes + 3, row = k_size + 2, cut = lanes + 1;
  Random random(4);
  const auto source = random.values<T>(valid * row);
  PackedMatrix<T> packed(k_size, {2});
  packed.fill(0, 1, {0, cut}, source.data(), row, 1, valid);
  packed.fill(0, 1, {cut, k_size}, source.data() + cut, row, 1, valid);
  packed.fill(0, 0, {0, k_size}, source.data(), 0, 0, 0);
  bool same = true;
  for (Index k = 0; k < k_size; ++k) {
    std::vector<T> unit(at(k_size), T(0)), zero(at(2 * lanes), T(0)), out(at(2 * lanes));
    unit[at(k)] = 1;
    packed.multiply_group(0, 1, [&](Index) { return unit.data(); },
                          {zero.data(), 0, out.data(), 2 * lanes});
    for (Index lane = 0; lane < lanes; ++lane) {
      same = same && out[at(lane)] == 0;
      same = same && out[at(lanes + lane)] == (lane < valid ? source[at(lane * row + k)] : T(0));
    }
  }
  CHECK(same);
}
TEST(packed_matrix_fill_takes_any_strides) {
  for (const Index missing : {0, 1}) {
    check_transposed_fill<float>(Lane<float>::kSize - missing);
    check_transposed_fill<double>(Lane<double>::kSize - missing);
  }
}

TEST(packed_matrix_without_groups_is_empty) {
  const PackedMatrix<float> packed(10, {});
  CHECK(packed.groups() == 0 && packed.bytes() == 0);
}

TEST(packed_matrix_too_large_is_bad_alloc) {
  CHECK_THROWS(PackedMatrix<double>(Index{1} << 58, {4}), "bad_alloc");
}
