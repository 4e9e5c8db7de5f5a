#include "gemm/tile.hpp"

#include <array>
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

}  // namespace

template <class T>
TileKernel<T> tile_kernel_for(int rows, int vectors) {
  return kKernels<T>[static_cast<std::size_t>(vectors - 1)][static_cast<std::size_t>(rows - 1)];
}

template TileKernel<float> tile_kernel_for<float>(int, int);
template TileKernel<double> tile_kernel_for<double>(int, int);

}  // namespace tidegate
