#include "gemm/weight_matrix.hpp"

#include "support/floating.hpp"
#include "support/lanes.hpp"
#include "test.hpp"

using namespace tidegate_test;
using tidegate::MatrixPlan;
using tidegate::Range;
using tidegate::WeightMatrix;

// Groups of these many vectors, of which the last of each group has `valid` columns.
static const std::vector<Index> kGroupVectors{1, 4, 5, 2, 7, 3, 9, 16};

// The matrix (K, columns) of all groups, stored as it is or transposed, in pieces of k that lie
// apart; each piece is followed by `padding` values of k that do not exist.
template <class T>
struct Stored {
  Index pieces, size, padding, columns = 0;
  bool turned;
  std::vector<std::vector<T>> arrays;
  MatrixPlan plan;

  Stored(Index pieces_, Index size_, Index padding_, Index valid, bool turned_)
      : pieces(pieces_), size(size_), padding(padding_), turned(turned_) {
    const Index lanes = Lane<T>::kSize;
    for (const Index vectors : kGroupVectors) columns += (vectors - 1) * lanes + valid;
    plan = {pieces, size, size + padding, turned, turned ? size : columns, {}};
    Index column = 0;
    for (const Index vectors : kGroupVectors) {
      auto& group = plan.groups.emplace_back();
      for (Index v = 0; v < vectors; ++v) {
        group.push_back({column * (turned ? size : 1), v + 1 < vectors ? lanes : valid});
        column += group.back().valid;
      }
    }
    Random random(3);
    for (Index p = 0; p < pieces; ++p) arrays.push_back(random.values<T>(size * columns));
  }

  Index lane_distance() const { return turned ? std::max<Index>(1, size) : 1; }
  Index k_size() const { return pieces * (size + padding); }
  std::vector<const T*> pointers() const {
    std::vector<const T*> all;
    for (const auto& array : arrays) all.push_back(array.data());
    return all;
  }
  T value(Index k, Index column) const {
    const Index piece = k / (size + padding), row = k % (size + padding);
    if (row >= size) return T(0);
    return arrays[at(piece)][at(turned ? row + column * size : row * columns + column)];
  }
};

// out of the vectors of some groups, every element the chain over k; nothing beyond is touched.
template <class T>
static bool product_is_chain(const WeightMatrix<T>& matrix, const Stored<T>& stored, Range groups,
                             Index rows) {
  const Index lanes = Lane<T>::kSize, k_size = stored.k_size();
  Random random(5);
  const auto operand = random.values<T>(rows * k_size + 1);
  std::vector<Index> column_of;  // of each output; -1 beyond the matrix
  for (Index g = groups.begin; g < groups.end; ++g) {
    for (const auto& vector : stored.plan.groups[at(g)]) {
      for (Index lane = 0; lane < lanes; ++lane) {
        const bool there = lane < vector.valid;
        column_of.push_back(there ? vector.offset / stored.lane_distance() + lane : -1);
      }
    }
  }
  const Index width = static_cast<Index>(column_of.size());
  const auto init = random.values<T>(rows * width);
  std::vector<T> out(at(rows * width + lanes), T(-9));
  const auto operand_row = [&](Index r) { return operand.data() + r * k_size; };
  matrix.multiply(groups, rows, operand_row, {init.data(), width, out.data(), width});
  bool same = true;
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < width; ++c) {
      T sum = init[at(r * width + c)];
      for (Index k = 0; k < k_size && column_of[at(c)] >= 0; ++k) {
        sum = multiply_add_scalar(operand[at(r * k_size + k)], stored.value(k, column_of[at(c)]),
                                  sum);
      }
      same = same && same_bits(out[at(r * width + c)], sum);
    }
  }
  for (Index k = 0; k < lanes; ++k) same = same && out[at(rows * width + k)] == T(-9);
  return same;
}

// Some vectors of a group leave the rest alone; some pieces of k are summed alone.
template <class T>
static bool parts_are_chains(const WeightMatrix<T>& matrix, const Stored<T>& stored) {
  const Index lanes = Lane<T>::kSize, rows = 2, width = 9 * lanes, group = 6;
  Random random(6);
  const auto operand = random.values<T>(rows * stored.k_size() + 1);
  const auto row_of = [&](Index r) { return operand.data() + r * stored.k_size(); };
  const std::vector<T> zero(at(rows * width), T(0));
  bool same = true;
  if (stored.turned) {
    std::vector<T> whole(zero), some(at(rows * width), T(-9));
    matrix.multiply({group, group + 1}, rows, row_of, {zero.data(), width, whole.data(), width});
    matrix.multiply_vectors(group, {2, 7}, rows, row_of, {zero.data(), width, some.data(), width});
    for (Index k = 0; k < rows * width; ++k) {
      const Index vector = k % width / lanes;
      same = same && same_bits(some[at(k)], vector >= 2 && vector < 7 ? whole[at(k)] : T(-9));
    }
    return same;
  }
  // One piece after the other, in the same accumulators, is the whole chain.
  std::vector<T> whole(zero), some(zero);
  matrix.multiply({group, group + 1}, rows, row_of, {zero.data(), width, whole.data(), width});
  for (Index piece = 0; piece < stored.pieces; ++piece) {
    const auto from_piece = [&](Index r) {
      return row_of(r) + piece * (stored.size + stored.padding);
    };
    matrix.multiply_pieces({group, group + 1}, {piece, piece + 1}, rows, from_piece,
                           {some.data(), width, some.data(), width});
  }
  for (Index k = 0; k < rows * width; ++k) same = same && same_bits(some[at(k)], whole[at(k)]);
  return same;
}

// Vectors that multiply rows of their own get what each would get alone.
template <class T>
static bool apart_is_one_vector_at_a_time(const WeightMatrix<T>& matrix, const Stored<T>& stored) {
  const Index rows = 2, vectors = 9, width = vectors * Lane<T>::kSize, group = 6;
  Random random(7);
  const auto operand = random.values<T>(rows * vectors * stored.k_size() + 1);
  const auto row_of = [&](Index r, Index vector) {
    return operand.data() + (r * vectors + vector) * stored.k_size();
  };
  const auto init = random.values<T>(rows * width);
  std::vector<T> together(at(rows * width)), alone(at(rows * width));
  for (Index r = 0; r < rows; ++r) {
    const T* from = init.data() + r * width;
    const auto operand_of = [&](Index v) { return row_of(r, v); };
    matrix.multiply_apart(group, operand_of, {from, 0, together.data() + r * width, 0});
  }
  for (Index v = 0; v < vectors; ++v) {
    const auto operand_of = [&](Index r) { return row_of(r, v); };
    matrix.multiply_vectors(group, {v, v + 1}, rows, operand_of,
                            {init.data(), width, alone.data(), width});
  }
  return same_bits(together, alone);
}

template <class T>
static void check_matrix(const Stored<T>& stored) {
  WeightMatrix<T> matrix(stored.plan);
  const Index groups = static_cast<Index>(kGroupVectors.size());
  CHECK(matrix.k_size() == stored.k_size() && matrix.groups() == groups);
  CHECK(matrix.bytes() == stored.k_size() * 47 * Lane<T>::kSize * static_cast<Index>(sizeof(T)));
  matrix.read_from(stored.pointers());
  for (const bool packed : {false, true}) {
    if (packed) {
      matrix.start_packing();
      for (Index g = groups; g-- > 0;) matrix.pack({g, g + 1});  // the order must not matter
    }
    CHECK(matrix.packed() == packed);
    CHECK(parts_are_chains(matrix, stored));
    CHECK(!packed || apart_is_one_vector_at_a_time(matrix, stored));
    for (const Index rows : {1, 3, 4, 7}) {
      CHECK(product_is_chain(matrix, stored, {0, groups}, rows));
      for (Index g = 0; g < groups; ++g) {
        CHECK(product_is_chain(matrix, stored, {g, g + 1}, rows));
      }
    }
  }
}

template <class T>
static void check_matrices() {
  const Index lanes = Lane<T>::kSize;
  for (const Index valid : {Index{1}, lanes - 1, lanes}) {
    for (const Index size : {1, 2, 33}) {
      check_matrix(Stored<T>(1, size, 0, valid, true));
      check_matrix(Stored<T>(1, size, 0, valid, false));
      check_matrix(Stored<T>(3, size, 5, valid, false));
    }
    check_matrix(Stored<T>(1, 0, 0, valid, true));
    check_matrix(Stored<T>(1, 0, 0, valid, false));
  }
}
TEST(weight_matrix_packed_or_in_place_is_one_chain) {
  check_matrices<float>();
  check_matrices<double>();
}

TEST(weight_matrix_without_groups_is_empty) {
  const WeightMatrix<float> matrix(MatrixPlan{1, 10, 10, true, 10, {}});
  CHECK(matrix.groups() == 0 && matrix.bytes() == 0);
}

TEST(weight_matrix_too_large_is_bad_alloc) {
  const Index huge = Index{1} << 58;
  CHECK_THROWS(WeightMatrix<double>(MatrixPlan{1, huge, huge, true, huge, {{{0, 1}, {0, 1}}}}),
               "bad_alloc");
}
