// To pack a matrix writes it out and reads it back from wherever it then fits: measured on a Zen 4
// core, 5 to 13 times the product of one row with a packed matrix of 1 to 16 MiB. Read where it
// lies, such a product costs 3 times a packed one when the lanes must be turned, and 1.3 to 1.8
// times when they need not.
#include "sequence/packing.hpp"

#include "gemm/turned.hpp"

namespace tidegate {
namespace {

constexpr Index kTurnedTiles = 3;  // passes of kTurnedRows rows over a matrix that turn it
constexpr Index kStraightRows = 8;

}  // namespace

Packing packing_of_one_step(Dims dims) {
  const Index rows = dims.steps * dims.batch;
  return {ceil_div(rows, kTurnedRows) > kTurnedTiles,
          dims.steps * ceil_div(dims.batch, kTurnedRows) > kTurnedTiles, rows > kStraightRows,
          rows > kStraightRows};
}

}  // namespace tidegate
