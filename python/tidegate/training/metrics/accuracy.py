"""Accuracies: the share of predictions that are right."""

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array, Config
from tidegate.training.metrics.base import Metric, labels_like, values_like


class BinaryAccuracy(Metric):
    """Output above the threshold against a target of 0 or 1, element by element.

    Parameters
    ----------
    threshold : float
    name : str, optional
    """

    direction = "max"
    per_element = True

    def __init__(self, threshold: float = 0.5, name: str | None = None) -> None:
        super().__init__(name or "binary_accuracy")
        self.threshold = checks.number("BinaryAccuracy", "threshold", threshold)

    def terms(self, target: Array, output: Array) -> Array:
        """See Metric."""
        values_like(self.name, target, output)
        right: Array = (output > self.threshold) == target
        return right

    def get_config(self) -> Config:
        """See Metric."""
        return {"name": self.name, "threshold": self.threshold}


class CategoricalAccuracy(Metric):
    """The largest output against the largest target, row by row."""

    direction = "max"

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name or "categorical_accuracy")

    def terms(self, target: Array, output: Array) -> Array:
        """See Metric."""
        values_like(self.name, target, output)
        right: Array = np.argmax(output, axis=-1) == np.argmax(target, axis=-1)
        return right


class SparseCategoricalAccuracy(Metric):
    """The largest output against a class number, row by row."""

    direction = "max"

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name or "sparse_categorical_accuracy")

    def terms(self, target: Array, output: Array) -> Array:
        """See Metric."""
        right: Array = np.argmax(output, axis=-1) == labels_like(self.name, target, output)
        return right


class Accuracy(Metric):
    """The accuracy that fits the output: binary, categorical or sparse, by Keras's rule.

    One output: binary. Targets that are class numbers: sparse. Else: categorical.
    """

    direction = "max"

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name or "accuracy")
        self._binary = BinaryAccuracy()
        self._categorical = CategoricalAccuracy()
        self._sparse = SparseCategoricalAccuracy()

    def terms(self, target: Array, output: Array) -> Array:
        """See Metric."""
        if output.shape[-1] == 1:
            if target.ndim < output.ndim:
                target = target[..., None]
            return self._binary.terms(target, output)[..., 0]
        chosen = self._sparse if target.ndim < output.ndim else self._categorical
        return chosen.terms(target, output)
