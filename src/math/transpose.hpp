// Transposes of register blocks.
#pragma once

#include "math/lane.hpp"

namespace tidegate {

// to[c * to_stride + r] = from[r * from_stride + c] for r, c below the lane's size.
template <class T>
void transpose_block(const T* from, Index from_stride, T* to, Index to_stride) {
  using V = Lane<T>;
  Eigen::internal::PacketBlock<typename V::Packet, static_cast<int>(V::kSize)> block;
#pragma GCC unroll 16
  for (Index r = 0; r < V::kSize; ++r) block.packet[r] = V::load(from + r * from_stride).packet;
  Eigen::internal::ptranspose(block);
#pragma GCC unroll 16
  for (Index c = 0; c < V::kSize; ++c) V(block.packet[c]).store(to + c * to_stride);
}

}  // namespace tidegate
