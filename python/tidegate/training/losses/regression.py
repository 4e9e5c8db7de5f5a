"""Losses for numbers: mean squared error, mean absolute error, Huber (1964)."""

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array
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
