"""The arrays an optimizer keeps for one flat buffer: slots on two sides, and a copy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tidegate._loader import core
from tidegate.layers.parameters import FlatParameters, Parameter
from tidegate.layers.types import Array


class SlotBuffers:
    """Slots and a copy of the values for one FlatParameters.

    Attributes
    ----------
    flat : FlatParameters
    previous : (n,) array
        The values before the last step.
    core : FlatSlots32 or FlatSlots64
        The compiled core's view of the same arrays: an optimizer's step runs there, in one pass.
    """

    def __init__(self, flat: FlatParameters, names: Sequence[str]) -> None:
        self.flat = flat
        self.names = tuple(names)
        self.previous = np.empty_like(flat.values)
        self._sides: list[list[Any]] = [
            [np.zeros_like(flat.values) for _ in names] for _ in range(2)
        ]
        kind = core.FlatSlots32 if flat.dtype == np.float32 else core.FlatSlots64
        self.core: Any = kind(flat.values, flat.gradients, *self._sides)

    def entries(self, side: int) -> list[tuple[str, Parameter, Array]]:
        """Return (slot name, parameter, view) of one side."""
        return [
            (name, parameter, slot[start:stop].reshape(parameter.shape))
            for name, slot in zip(self.names, self._sides[side], strict=True)
            for parameter, (start, stop) in zip(self.flat.parameters, self.flat.bounds, strict=True)
        ]
