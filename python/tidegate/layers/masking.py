"""Masking: steps of padding, known by their value, are skipped by the layers above."""

from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.parameters import Parameter
from tidegate.layers.types import Array, Config, Shape


class Masking(Layer):
    """Exclude the steps whose features all equal one value, as Keras does.

    Parameters
    ----------
    mask_value : float
        What padding holds in every feature.
    name, dtype, input_shape
        See Layer; `input_shape=(T, I)`.

    Notes
    -----
    The output is x, with 0 at the excluded steps. Recurrent layers keep their state there, Dense
    and Dropout hand the mask on, losses and metrics do not count those steps. Where lengths are
    known, `lengths=` says the same without a search, and a valid step may hold any value.

    Examples
    --------
    >>> Masking(mask_value=-1.0)([[[2.0, -1.0], [-1.0, -1.0]]])
    array([[[ 2., -1.],
            [ 0.,  0.]]], dtype=float32)
    """

    expects = "(N, steps, features)"
    makes_mask = True
    stepwise = True

    def __init__(
        self,
        mask_value: float = 0.0,
        *,
        name: str | None = None,
        dtype: Any = "float32",
        input_shape: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype, input_shape=input_shape)
        if isinstance(mask_value, float | np.floating) and np.isnan(mask_value):
            raise ValueError(
                "Masking: mask_value is nan; expected a number (for padding with NaN pass "
                "mask=~np.isnan(x).all(axis=-1) to fit and predict)."
            )
        self.mask_value = checks.number("Masking", "mask_value", mask_value)

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        if len(input_shape) != 2:
            raise ValueError(
                f"{self.name}: the input has shape {checks.shape_text(input_shape)}; expected "
                "(N, steps, features)."
            )
        return (), input_shape

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return x with 0 at the excluded steps and, when training, the steps that count."""
        steps = self.output_mask(x, mask)
        if steps.all():
            return x, None
        return np.where(steps[..., None], x, x.dtype.type(0)), (steps if training else None)

    def output_mask(self, x: Array, mask: Array | None) -> Array:
        """Exclude steps of padding beside those that are excluded already."""
        with np.errstate(over="ignore"):  # what the dtype cannot hold is nowhere in x
            padding = x.dtype.type(self.mask_value)
        steps: Array = (x != padding).any(axis=-1)
        return steps if mask is None else steps & mask

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        if not need_dx or saved is None:
            return dy if need_dx else None
        return np.where(saved[..., None], dy, dy.dtype.type(0))

    def _config(self) -> Config:
        return {"mask_value": self.mask_value}
