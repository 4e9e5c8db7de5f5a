"""The arrays an optimizer keeps for one flat buffer: slots on two sides, a copy, scratch."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tidegate.layers.parameters import FlatParameters, Parameter
from tidegate.layers.types import Array

# Numbers of one chunk: seven float32 arrays of it, as Adam uses, fit a level-2 cache of 1 MiB.
CHUNK = 32768


class Chunk(NamedTuple):
    """Views of one stretch of the flat arrays; `new` slots are written, `old` ones read."""

    values: Array
    gradient: Array
    old: tuple[Array, ...]
    new: tuple[Array, ...]
    scratch: Array


class SlotBuffers:
    """Slots, copy of the values and scratch for one FlatParameters.

    Attributes
    ----------
    flat : FlatParameters
    previous : (n,) array
        The values before the last step.
    chunks : two lists of Chunk
        chunks[side] reads the slots of `side` and writes the others.
    constants : tuple of arrays without axes
        Numbers in the dtype of the buffer, which NumPy takes faster than Python's.
    """

    def __init__(
        self, flat: FlatParameters, names: Sequence[str], constants: Sequence[float]
    ) -> None:
        self.flat = flat
        self.names = tuple(names)
        self.constants = tuple(np.asarray(value, flat.dtype) for value in constants)
        size = flat.values.size
        self.previous = np.empty_like(flat.values)
        self._sides = [[np.zeros(size, flat.dtype) for _ in names] for _ in range(2)]
        scratch = np.empty(min(size, CHUNK), flat.dtype)
        self.chunks = [
            [self._chunk(start, side, scratch) for start in range(0, size, CHUNK)]
            for side in range(2)
        ]

    def _chunk(self, start: int, side: int, scratch: Array) -> Chunk:
        here = slice(start, start + CHUNK)
        values = self.flat.values[here]
        return Chunk(
            values,
            self.flat.gradients[here],
            tuple(slot[here] for slot in self._sides[side]),
            tuple(slot[here] for slot in self._sides[1 - side]),
            scratch[: values.size],
        )

    def entries(self, side: int) -> list[tuple[str, Parameter, Array]]:
        """Return (slot name, parameter, view) of one side."""
        return [
            (name, parameter, slot[start:stop].reshape(parameter.shape))
            for name, slot in zip(self.names, self._sides[side], strict=True)
            for parameter, (start, stop) in zip(self.flat.parameters, self.flat.bounds, strict=True)
        ]

    def flush_denormals(self, side: int) -> None:
        """Set what decayed to almost nothing to 0: denormal numbers make every pass slow."""
        least = np.finfo(self.flat.dtype).tiny * 1024
        for slot in self._sides[side]:
            slot[np.abs(slot) < least] = 0
