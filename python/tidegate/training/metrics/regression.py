"""Metrics made of losses, and the root mean squared error."""

import math

from tidegate.layers.types import Array
from tidegate.training.losses import Loss, SparseCategoricalCrossentropy
from tidegate.training.losses import MeanSquaredError as _SquaredError
from tidegate.training.metrics.base import Metric, labels_like, values_like


class LossMetric(Metric):
    """The mean of a loss's terms.

    Parameters
    ----------
    loss : Loss
    name : str
    """

    def __init__(self, loss: Loss, name: str) -> None:
        super().__init__(name)
        self.loss = loss

    @property
    def per_element(self) -> bool:  # type: ignore[override]  # a plain attribute in Metric
        """As the loss's terms are."""
        return self.loss.per_element

    def terms(self, target: Array, output: Array) -> Array:
        """See Metric."""
        if isinstance(self.loss, SparseCategoricalCrossentropy):
            target = labels_like(self.name, target, output)
            if target.dtype.kind == "f":  # a loss for numbers prepared it
                target = self.loss.prepare(
                    f"metric {self.name!r}", target, len(output), output.shape[1:], output.dtype
                )
        else:
            values_like(self.name, target, output)
        return self.loss.terms(target, output)[0]


class RootMeanSquaredError(Metric):
    """√ of the mean of (y - t)² over all elements."""

    per_element = True

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name or "root_mean_squared_error")
        self._squared_error = _SquaredError()

    def terms(self, target: Array, output: Array) -> Array:
        """See Metric."""
        values_like(self.name, target, output)
        return self._squared_error.terms(target, output)[0]

    def result(self) -> float:
        """See Metric."""
        return math.sqrt(super().result())
