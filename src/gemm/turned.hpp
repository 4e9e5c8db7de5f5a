// Products with a matrix whose lanes are rows of an array: blocks of lanes by lanes are turned in
// registers, on their way from memory to the multiply-adds, so that nothing is packed.
//
//   array, row l      m[l][k] m[l][k+1] ...
//   product           out[r][l] = init[r][l] + sum_k rows[r][k] * m[l][k]
//
// Each element is the chain over k of gemm/tile.hpp.
#pragma once

#include "gemm/tile.hpp"

namespace tidegate {

constexpr int kTurnedRows = 4;  // of a tile: beside a block, their accumulators stay in registers

// The lanes of one vector: row l is at data + l*stride, and zero from `valid` on.
template <class T>
struct TurnedLanes {
  const T* data;
  Index stride, valid;
};

template <class T, int R>
void turned_kernel(Index k_size, const T* const* rows, const TurnedLanes<T>& lanes,
                   const TileOutput<T>& to) {
  using V = Lane<T>;
  V acc[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) acc[r] = V::load(to.init + r * to.init_stride);
  Index k = 0;
  for (; k + V::kSize <= k_size; k += V::kSize) {
    Eigen::internal::PacketBlock<typename V::Packet, static_cast<int>(V::kSize)> block;
    const T* from = lanes.data + k;
    if (lanes.valid == V::kSize) {
#pragma GCC unroll 16
      for (Index l = 0; l < V::kSize; ++l)
        block.packet[l] = V::load(from + l * lanes.stride).packet;
    } else {
      for (Index l = 0; l < V::kSize; ++l) {
        block.packet[l] = (l < lanes.valid ? V::load(from + l * lanes.stride) : V(T(0))).packet;
      }
    }
    Eigen::internal::ptranspose(block);
#pragma GCC unroll 16
    for (Index c = 0; c < V::kSize; ++c) {
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        acc[r] = multiply_add(V(rows[r][k + c]), V(block.packet[c]), acc[r]);
      }
    }
  }
  for (; k < k_size; ++k) {
    alignas(kCacheLine) T column[V::kSize] = {};
    for (Index l = 0; l < lanes.valid; ++l) column[l] = lanes.data[l * lanes.stride + k];
    for (int r = 0; r < R; ++r) acc[r] = multiply_add(V(rows[r][k]), V::load(column), acc[r]);
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) acc[r].store(to.out + r * to.out_stride);
}

// Multiplies one vector by any number of rows.
template <class T>
void multiply_turned(Index k_size, Index row_count, const OperandRows<T>& rows,
                     const TurnedLanes<T>& lanes, const TileOutput<T>& to) {
  using Kernel = void (*)(Index, const T* const*, const TurnedLanes<T>&, const TileOutput<T>&);
  static constexpr Kernel kKernels[kTurnedRows] = {&turned_kernel<T, 1>, &turned_kernel<T, 2>,
                                                   &turned_kernel<T, 3>, &turned_kernel<T, 4>};
  const Index tiles = ceil_div(row_count, kTurnedRows);
  for (Index tile = 0; tile < tiles; ++tile) {
    const Range r = even_slice(row_count, tiles, tile);
    const T* addresses[kTurnedRows];
    rows.locate(r, addresses);
    kKernels[r.size() - 1](k_size, addresses, lanes,
                           {to.init + r.begin * to.init_stride, to.init_stride,
                            to.out + r.begin * to.out_stride, to.out_stride});
  }
}

}  // namespace tidegate
