"""Losses for numbers: mean squared error, mean absolute error, Huber (1964), quantiles."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array, Dtype, Shape
from tidegate.training import shapes
from tidegate.training.losses.base import Loss


class MeanSquaredError(Loss):
    """(y - t)²; arguments as in Loss."""

    def terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See Loss."""
        error = output - target
        return error * error, error, 2.0


class MeanAbsoluteError(Loss):
    """|y - t|; the slope at 0 is 0."""

    def terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See Loss."""
        error = output - target
        return np.abs(error), np.sign(error), 1.0


class Huber(Loss):
    """(y - t)²/2 where |y - t| <= delta, else delta·|y - t| - delta²/2.

    Parameters
    ----------
    delta : float
        Where the square turns into a straight line.
    reduction, name
        See Loss.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.delta = checks.number("Huber", "delta", delta, least=0)

    def terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See Loss."""
        error = output - target
        slope = np.clip(error, -self.delta, self.delta)
        return slope * (error - 0.5 * slope), slope, 1.0


class QuantileLoss(Loss):
    """q·(t - y) where t > y, else (1 - q)·(y - t): least where y is the q-quantile of t.

    Parameters
    ----------
    quantiles : float or sequence of float, each 0 < q < 1
        One q for every output; or one for each of the last axis, whose outputs all answer the same
        targets: y is (N, ..., 1) then, or (N, ...).
    reduction, name
        See Loss.

    Notes
    -----
    Also called pinball loss (Koenker & Bassett 1978); half the absolute error for q = 0.5. The
    slope at 0 is 0.

    Examples
    --------
    >>> loss = QuantileLoss([0.1, 0.9])
    >>> loss.value(np.array([[1.0]]), np.array([[0.0, 0.0]]))  # (0.1 + 0.9) / 2
    0.5
    """

    def __init__(
        self,
        quantiles: float | Sequence[float] = 0.5,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        several = isinstance(quantiles, Sequence | np.ndarray) and not isinstance(quantiles, str)
        given = list(quantiles) if several else [quantiles]  # type: ignore[arg-type]
        if not given:
            raise ValueError("QuantileLoss: quantiles is empty; expected at least one number.")
        checked = [
            checks.number("QuantileLoss", "quantiles", q, least=np.nextafter(0, 1), below=1)
            for q in given
        ]
        self.quantiles = checked if several else checked[0]

    def prepare(self, where: str, y: Any, samples: int, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y as targets; with several quantiles its last axis has size 1. See Loss."""
        if not isinstance(self.quantiles, list):
            return super().prepare(where, y, samples, output_shape, dtype)
        if output_shape[-1:] != (len(self.quantiles),):
            raise ValueError(
                f"{where}: the model's output has shape {checks.shape_text(output_shape)} and the "
                f"loss {len(self.quantiles)} quantiles; expected one output for each."
            )
        target = checks.finite(where, "y", y, dtype, " (drop those samples)")
        return shapes.match_targets(where, target, samples, (*output_shape[:-1], 1))

    def terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See Loss."""
        q = np.asarray(self.quantiles, output.dtype)
        short = target - output
        slopes = np.where(short > 0, -q, np.where(short < 0, 1 - q, 0)).astype(output.dtype)
        return -slopes * short, slopes, 1.0
