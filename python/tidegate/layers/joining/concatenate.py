"""Concatenate: several inputs side by side along one axis; backward cuts dy apart again."""

from itertools import accumulate
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.joining.masks import any_valid
from tidegate.layers.parameters import Parameter
from tidegate.layers.several_inputs import SeveralInputs
from tidegate.layers.types import Array, Config, Shape


class Concatenate(SeveralInputs):
    """Join inputs along an axis; their other sizes are equal.

    Parameters
    ----------
    axis : int
        -1 joins features. The batch counts: 1 joins the steps of sequences.
    name, dtype
        See Layer; without parameters, the dtype is that of the inputs.

    Examples
    --------
    >>> Concatenate()([np.ones((5, 2)), np.ones((5, 3))]).shape
    (5, 5)
    """

    def __init__(self, axis: int = -1, *, name: str | None = None, dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
            raise TypeError(f"Concatenate: axis is {axis!r}; expected an integer.")
        self.axis = int(axis)

    def _declare(self, input_shape: Any) -> tuple[tuple[Parameter, ...], Shape]:
        first = input_shape[0]
        rank = 1 + len(first)
        axis = self.axis + (rank if self.axis < 0 else 0)
        if not 1 <= axis < rank:
            raise ValueError(
                f"{self.name}: axis is {self.axis} and the first input has shape "
                f"{checks.shape_text(first)}; expected an axis of it, not that of the batch."
            )
        self._place = axis - 1
        self.stepwise = self._place > 0  # not the axis of steps
        kept = [shape[: axis - 1] + shape[axis:] for shape in input_shape]
        for shape, rest in zip(input_shape, kept, strict=True):
            if len(shape) != len(first) or not checks.alike(rest, kept[0]):
                raise self.misfit(
                    input_shape,
                    f"shapes that differ in axis {self.axis} only (return_sequences=False gives a "
                    "sequence the shape of a sample without steps)",
                )
        sizes = [shape[self._place] for shape in input_shape]
        whole = None if None in sizes else sum(sizes)
        known = checks.known_sizes(kept)
        return (), (*known[: self._place], whole, *known[self._place :])

    def forward(
        self,
        x: Any,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Any = None,
    ) -> tuple[Array, Any]:
        """Return the inputs side by side, and where to cut."""
        sizes = [part.shape[self._place + 1] for part in x]
        return np.concatenate(x, axis=self._place + 1), list(accumulate(sizes[:-1]))

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Any:
        """See Layer."""
        return np.split(dy, saved, axis=self._place + 1)

    def output_mask(self, x: Any, mask: Any) -> Array | None:
        """As in Keras 3: of features, a step valid in any input; of steps, masks side by side."""
        if mask is None:
            return None
        if self._place > 0:
            return any_valid(mask)
        masks = [
            np.ones(part.shape[:2], np.bool_) if steps is None else steps
            for part, steps in zip(x, mask, strict=True)
        ]
        return np.concatenate(masks, axis=1)

    def _config(self) -> Config:
        return {"axis": self.axis}
