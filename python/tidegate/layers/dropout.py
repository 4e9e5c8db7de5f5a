"""Dropout (Srivastava et al. 2014), inverted: what is kept is scaled up while training."""

from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.parameters import Parameter
from tidegate.layers.types import Array, Config, Shape


class Dropout(Layer):
    """Set a share of the inputs to 0 while training; pass everything on otherwise.

    Parameters
    ----------
    rate : float
        Share of the inputs that is dropped, 0 <= rate < 1. The rest is divided by 1 - rate.
    noise_shape : tuple of int or None, optional
        Shape of the mask, batch included; None is the input's size, 1 shares one choice along the
        axis. `(None, 1, None)` drops whole features of a sequence at all steps alike.
    name, dtype, input_shape
        See Layer.

    Notes
    -----
    The masks come from the model's seed, the epoch and the order of layers and batches.

    Examples
    --------
    >>> Dropout(0.5)(np.ones((1, 3)))
    array([[1., 1., 1.]], dtype=float32)
    """

    random = True
    stepwise = True

    def __init__(
        self,
        rate: float,
        noise_shape: Any = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
        input_shape: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype, input_shape=input_shape)
        self.rate = checks.number("Dropout", "rate", rate, least=0, below=1)
        self.noise_shape: Shape | None = None
        if noise_shape is not None:
            self.noise_shape = checks.input_shape("Dropout", noise_shape)

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        noise = self.noise_shape
        if noise is not None and (
            len(noise) != 1 + len(input_shape)
            or any(
                a not in (None, 1) and b not in (None, a)
                for a, b in zip(noise[1:], input_shape, strict=True)
            )
        ):
            raise ValueError(
                f"{self.name}: noise_shape is {noise}; expected a size, 1 or None for each axis of "
                f"an input of shape {checks.shape_text(input_shape)}."
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
        """Return x, when training times a mask of 0 and 1 / (1 - rate), and that mask."""
        if not training or self.rate == 0:
            return x, None
        assert rng is not None
        shape: tuple[int, ...] = x.shape
        if self.noise_shape is not None:
            shape = tuple(a or b for a, b in zip(self.noise_shape, shape, strict=True))
            if shape[0] not in (1, len(x)):
                raise ValueError(
                    f"{self.name}: a batch has {len(x)} samples and noise_shape is "
                    f"{self.noise_shape}; expected 1 or None in its first place, or batches of "
                    "that size."
                )
        mask = (rng.random(shape, np.float32) >= self.rate).astype(x.dtype)
        mask *= 1 / (1 - self.rate)
        return x * mask, mask

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        if not need_dx:
            return None
        return dy if saved is None else dy * saved

    def _config(self) -> Config:
        noise = None if self.noise_shape is None else list(self.noise_shape)
        return {"rate": self.rate, "noise_shape": noise}
