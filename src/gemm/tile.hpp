// The micro-kernel: a register tile of R rows by NV vectors accumulates over K.
//
//                     panel  [K][NV][lanes], k-th row at panel + k*panel_stride
//                       | w0 w1 w2 w3 |
//   rows[r][k*stride]  -+-------------+      out[r] = init[r] + sum_k rows[r][k*stride] * panel[k]
//      broadcast        |  R x NV     |
//
// Each output element is one chain of multiply-adds in the order of k, whatever the tile: results
// do not depend on how rows and panels are divided. Strides may be negative.
#pragma once

#include "base/aligned_buffer.hpp"
#include "gemm/operand_rows.hpp"
#include "math/lane.hpp"

namespace tidegate {

constexpr int kMaxVectors = 4;
constexpr int kMaxRows = 8;

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

// The most rows whose accumulators, weights and broadcasts stay in registers.
constexpr int max_rows(int vectors) {
#if defined(__aarch64__)
  // GCC loads the broadcasts of all rows together: a register each.
  const int rows = (kRegisters - vectors) / (vectors + 1);
#else
  const int free = kRegisters - (kRegisters == 32 ? vectors + 1 : 4);
  const int rows = free / vectors;
#endif
  return rows > kMaxRows ? kMaxRows : rows;
}

// Where a tile's accumulators start and end. A row stride of 0 starts every row from the same
// values.
template <class T>
struct TileOutput {
  const T* init;
  Index init_stride;
  T* out;
  Index out_stride;
};

// What every row of a tile can start from, with a row stride of 0.
template <class T>
const T* zeros() {
  alignas(kCacheLine) static constexpr T kZeros[kMaxVectors * Lane<T>::kSize] = {};
  return kZeros;
}

// The vectors that a product multiplies by; a row of them for every k.
template <class T>
struct Panel {
  const T* data;
  Index stride;
  int vectors;
};

template <class T, int R, int NV>
void tile_kernel(Index k_size, const T* const* rows, Index k_stride, const T* panel,
                 Index panel_stride, const TileOutput<T>& to) {
  using V = Lane<T>;
  V acc[R][NV];
  const T* row[R];
  T* const out = to.out;
  const Index out_stride = to.out_stride;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    row[r] = rows[r];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[r][v] = V::load(to.init + r * to.init_stride + v * V::kSize);
  }
  const Index end = k_size * k_stride;
  for (Index k = 0; k != end; k += k_stride, panel += panel_stride) {
    V weight[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) weight[v] = V::load(panel + v * V::kSize);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const V x(row[r][k]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) acc[r][v] = multiply_add(x, weight[v], acc[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[r][v].store(out + r * out_stride + v * V::kSize);
  }
}

// A tile of one row whose vectors have different left sides: out[v] += rows[v][k] * panel[k][v].
// Vectors alone would be one chain each, one after the other.
template <class T, int NV>
void apart_kernel(Index k_size, const T* const* rows, const T* panel, const TileOutput<T>& to) {
  using V = Lane<T>;
  V acc[NV];
  const T* row[NV];
  T* const out = to.out;
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) {
    row[v] = rows[v];
    acc[v] = V::load(to.init + v * V::kSize);
  }
  for (Index k = 0; k != k_size; ++k, panel += NV * V::kSize) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      acc[v] = multiply_add(V(row[v][k]), V::load(panel + v * V::kSize), acc[v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) acc[v].store(out + v * V::kSize);
}

template <class T>
using ApartKernel = void (*)(Index, const T* const*, const T*, const TileOutput<T>&);

// The kernel for `vectors` (1..kMaxVectors).
template <class T>
ApartKernel<T> apart_kernel_for(int vectors);

template <class T>
using TileKernel = void (*)(Index, const T* const*, Index, const T*, Index, const TileOutput<T>&);

// The kernel for `rows` (1..max_rows(vectors)) and `vectors` (1..kMaxVectors).
template <class T>
TileKernel<T> tile_kernel_for(int rows, int vectors);

// Multiplies one panel by any number of rows, a tile at a time.
template <class T>
void multiply_panel(Index k_size, Index row_count, const OperandRows<T>& rows, Index k_stride,
                    const Panel<T>& panel, const TileOutput<T>& to);

}  // namespace tidegate
