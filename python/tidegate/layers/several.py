"""Several: the arrays of a model with several inputs, used like one array along its first axis."""

from collections.abc import Sequence
from typing import Any

from tidegate.layers.types import Array


class Several:
    """Arrays with as many samples each.

    Parameters
    ----------
    arrays : sequence of (N, ...) arrays
        Masks may be None.
    """

    __slots__ = ("arrays",)

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.arrays = tuple(arrays)

    def __len__(self) -> int:
        """Return how many samples there are, N."""
        return len(self.arrays[0])

    def __getitem__(self, part: slice) -> "Several":
        """Return some of the samples, as views."""
        return Several([None if array is None else array[part] for array in self.arrays])

    def take(self, order: Array, axis: int) -> "Several":
        """Return the samples of these numbers, copied; axis is 0."""
        return Several([None if a is None else a.take(order, axis) for a in self.arrays])

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.arrays)

    @property
    def shape(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of all arrays, for messages."""
        return tuple(array.shape for array in self.arrays)
