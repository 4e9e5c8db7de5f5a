#include "gemm/tile.hpp"

#include <array>
#include <iterator>
#include <utility>

namespace tidegate {
namespace {

template <class T, int NV, std::size_t... R>
constexpr std::array<TileKernel<T>, kMaxRows> kernels_of_width(std::index_sequence<R...>) {
  // Taller tiles than the registers hold are never asked for.
  return {(static_cast<int>(R) < max_rows(NV) ? &tile_kernel < T,
           static_cast<int>(R) < max_rows(NV) ? static_cast<int>(R) + 1 : 1, NV > : nullptr)...};
}

template <class T>
constexpr std::array<std::array<TileKernel<T>, kMaxRows>, kMaxVectors> kKernels = {
    kernels_of_width<T, 1>(std::make_index_sequence<kMaxRows>{}),
    kernels_of_width<T, 2>(std::make_index_sequence<kMaxRows>{}),
    kernels_of_width<T, 3>(std::make_index_sequence<kMaxRows>{}),
    kernels_of_width<T, 4>(std::make_index_sequence<kMaxRows>{}),
};

constexpr Index kMostRows[] = {max_rows(1), max_rows(2), max_rows(3), max_rows(4)};
static_assert(std::size(kMostRows) == kMaxVectors);

// Accumulators that come from another cache than L1 are on their way before the tile begins.
template <class T>
void prefetch_tile(Range rows, int vectors, const TileOutput<T>& to) {
  for (Index r = rows.begin; r < rows.end; ++r) {
    for (int v = 0; v < vectors; ++v) {
      __builtin_prefetch(to.out + r * to.out_stride + v * Lane<T>::kSize, 1);
    }
  }
}

}  // namespace

template <class T>
TileKernel<T> tile_kernel_for(int rows, int vectors) {
  return kKernels<T>[static_cast<std::size_t>(vectors - 1)][static_cast<std::size_t>(rows - 1)];
}

template <class T>
void multiply_panel(Index k_size, Index row_count, const OperandRows<T>& rows, Index k_stride,
                    const Panel<T>& panel, const TileOutput<T>& to) {
  const auto multiply_tile = [&](Range r, const TileOutput<T>& tile_to) {
    const T* addresses[kMaxRows];
    rows.locate(r, addresses);
    tile_kernel_for<T>(static_cast<int>(r.size()), panel.vectors)(
        k_size, addresses, k_stride, panel.data, panel.stride, tile_to);
  };
  const Index most = kMostRows[panel.vectors - 1];
  if (row_count <= most) {  // without a division
    if (row_count > 0) multiply_tile({0, row_count}, to);
    return;
  }
  const Index tiles = ceil_div(row_count, most);
  for (Index tile = 0; tile < tiles; ++tile) {
    const Range r = even_slice(row_count, tiles, tile);
    if (tile + 1 < tiles && to.init_stride != 0) {
      prefetch_tile(even_slice(row_count, tiles, tile + 1), panel.vectors, to);
    }
    multiply_tile(r, {to.init + r.begin * to.init_stride, to.init_stride,
                      to.out + r.begin * to.out_stride, to.out_stride});
  }
}

template <class T>
ApartKernel<T> apart_kernel_for(int vectors) {
  static constexpr ApartKernel<T> kKernels[] = {apart_kernel<T, 1>, apart_kernel<T, 2>,
                                                apart_kernel<T, 3>, apart_kernel<T, 4>};
  static_assert(std::size(kKernels) == kMaxVectors);
  return kKernels[vectors - 1];
}

template ApartKernel<float> apart_kernel_for<float>(int);
template ApartKernel<double> apart_kernel_for<double>(int);
template TileKernel<float> tile_kernel_for<float>(int, int);
template TileKernel<double> tile_kernel_for<double>(int, int);
template void multiply_panel<float>(Index, Index, const OperandRows<float>&, Index,
                                    const Panel<float>&, const TileOutput<float>&);
template void multiply_panel<double>(Index, Index, const OperandRows<double>&, Index,
                                     const Panel<double>&, const TileOutput<double>&);

}  // namespace tidegate
