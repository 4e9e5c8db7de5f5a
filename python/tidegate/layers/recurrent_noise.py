"""Noise on a recurrent layer: dropout of inputs, of the recurrent connection, of R; zoneout.

    dropout             x_t becomes m∘x_t                    one m (B, I) for all steps
    recurrent_dropout   R_q h_prev becomes R_q (m_q∘h_prev)  one m_q (B, H) per gate for all steps
    weight_drop         R becomes m∘R                        one m (G*H, H) for all steps and rows
    zoneout             h = k∘h_prev + (1-k)∘h_new           k (B, T, H) of 0 and 1, new each step

m is 0 with probability p, else 1 / (1 - p); k is 1 with probability p. Without training there are
no m, and k is its expectation p. Sources: Gal & Ghahramani 2016; Merity, Keskar & Socher 2018 (the
gradient by R takes the same m); Krueger et al. 2017, on h only.
"""

from typing import Any, NamedTuple

import numpy as np

from tidegate.layers import checks
from tidegate.layers.run_mode import RunMode
from tidegate.layers.types import Array, Config, Dtype


class Drawn(NamedTuple):
    """The noise of one call; None where there is none."""

    input_mask: Array | None = None  # (B, 1, I)
    recurrent_scale: Array | None = None  # (G, B, H)
    state_keep: Array | float | None = None  # (B, T, H) or p
    weight_mask: Array | None = None  # (G*H, H)


class RecurrentNoise:
    """The rates of a recurrent layer, each 0 <= rate < 1.

    Attributes
    ----------
    random : bool
        Whether training draws random numbers.
    """

    def __init__(
        self, where: str, dropout: Any, recurrent_dropout: Any, zoneout: Any, weight_drop: Any
    ) -> None:
        def rate(name: str, value: Any) -> float:
            return checks.number(where, name, value, least=0, below=1)

        self.dropout = rate("dropout", dropout)
        self.recurrent_dropout = rate("recurrent_dropout", recurrent_dropout)
        self.zoneout = rate("zoneout", zoneout)
        self.weight_drop = rate("weight_drop", weight_drop)
        self.random = any(self.config().values())

    def draw(
        self,
        shape: tuple[int, ...],
        recurrent_shape: tuple[int, ...],
        gates: int,
        dtype: Dtype,
        mode: RunMode,
    ) -> Drawn:
        """Return the noise of a call on x of `shape` (B, T, I) with R of `recurrent_shape`."""
        if not mode.training:
            return Drawn(state_keep=self.zoneout or None)
        rng = mode.rng
        assert rng is not None
        (batch, steps, inputs), units = shape, recurrent_shape[1]
        input_mask = recurrent = keep = weights = None
        if self.dropout:
            input_mask = _mask(rng, (batch, 1, inputs), self.dropout, dtype)
        if self.recurrent_dropout:
            recurrent = _mask(rng, (gates, batch, units), self.recurrent_dropout, dtype)
        if self.zoneout:
            keep = (rng.random((batch, steps, units), np.float32) < self.zoneout).astype(dtype)
        if self.weight_drop:
            weights = _mask(rng, recurrent_shape, self.weight_drop, dtype)
        return Drawn(input_mask, recurrent, keep, weights)

    def config(self) -> Config:
        """Return the rates that are not 0."""
        rates = {
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "zoneout": self.zoneout,
            "weight_drop": self.weight_drop,
        }
        return {name: rate for name, rate in rates.items() if rate}


def _mask(rng: np.random.Generator, shape: tuple[int, ...], rate: float, dtype: Dtype) -> Array:
    mask = (rng.random(shape, np.float32) >= rate).astype(dtype)
    mask *= 1 / (1 - rate)
    return mask


class NoisySaved(NamedTuple):
    """What the engine saved, and the masks of the inputs and of R."""

    engine: Any
    input_mask: Array | None
    weight_mask: Array | None
