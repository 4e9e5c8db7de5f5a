"""Metric: a weighted mean over the batches of an epoch, kept as a total and a count."""

from typing import ClassVar

import numpy as np

from tidegate.layers.types import Array, Config


def values_like(name: str, target: Array, output: Array) -> None:
    """Raise unless there is a target for each output: others would be broadcast, and wrong."""
    if target.shape != output.shape:
        raise ValueError(
            f"metric {name!r}: targets have shape {target.shape} and outputs {output.shape}; "
            'expected one target for each output (for class numbers: "accuracy", '
            '"sparse_categorical_accuracy" or "sparse_categorical_crossentropy").'
        )


def labels_like(name: str, target: Array, output: Array) -> Array:
    """Return class numbers, one for each row of outputs; raise if the targets are something else.

    They may have been prepared by a loss for numbers, with a last axis of size 1.
    """
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = target[..., 0]
    if target.shape != output.shape[:-1]:
        raise ValueError(
            f"metric {name!r}: targets have shape {target.shape} and outputs {output.shape}; "
            'expected one class number for each row (for one-hot targets: "accuracy" or '
            '"categorical_accuracy").'
        )
    return target


class Metric:
    """Base of all metrics.

    Parameters
    ----------
    name : str, optional
        Its key in logs and history.

    Notes
    -----
    A metric of your own subclasses this and writes `terms`; set `direction` to "max" where more is
    better, so that callbacks know.
    """

    direction: ClassVar[str] = "min"
    # Whether terms has one entry per element of the output (else one per row).
    per_element: ClassVar[bool] = False

    def __init__(self, name: str | None = None) -> None:
        self.name = name or type(self).__name__
        self.reset()

    def terms(self, target: Array, output: Array) -> Array:
        """Return what the mean is over; it is not kept."""
        kind = type(self).__name__
        raise NotImplementedError(f"{kind}: a metric of your own writes terms(target, output).")

    def update(
        self,
        target: Array,
        output: Array,
        weight: Array | None = None,
        mask: Array | None = None,
    ) -> None:
        """Add a batch; weight (N, ...) has one entry per row of the output, or size-1 axes.

        Steps that the mask (N, T) excludes are not added.
        """
        terms = self.terms(target, output)
        if mask is not None:
            if weight is not None:
                rows = (*mask.shape, *weight.shape[2:])
                weight = np.broadcast_to(weight, rows)[mask]
            terms = terms[mask]
        if weight is None:
            self._total += float(np.add.reduce(terms, axis=None))
            self._count += terms.size
            return
        spread = np.broadcast_to(weight[..., None] if self.per_element else weight, terms.shape)
        self._total += float(np.add.reduce(terms * spread, axis=None))
        self._count += float(np.add.reduce(spread, axis=None))

    def result(self) -> float:
        """Return the mean over everything since the last reset; 0 of nothing."""
        return self._total / self._count if self._count else 0.0

    def reset(self) -> None:
        """Forget everything that was added."""
        self._total = 0.0
        self._count = 0.0

    def get_config(self) -> Config:
        """Return the arguments of the constructor."""
        return {"name": self.name}
