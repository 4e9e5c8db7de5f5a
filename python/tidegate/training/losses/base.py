"""Loss: from targets and outputs to one number and its gradient.

A loss writes `terms`: the loss of each element (or each row) and its slope by the output. What is
common stands here: weights, the mean over the batch, the shapes of targets.

    loss = Σ w·term / n        d loss / d output = w·slope / n        n = number of terms

Steps that a mask excludes are no terms: they enter neither the sum nor n.
"""

from typing import Any, ClassVar

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array, Config, Dtype, Shape
from tidegate.training import shapes

REDUCTIONS = ("sum_over_batch_size", "sum")


class Loss:
    """Base of all losses.

    Parameters
    ----------
    reduction : {"sum_over_batch_size", "sum"}
        Divide the sum of the terms by their number, or do not. Weights do not enter the number.
    name : str, optional

    Notes
    -----
    A loss of your own subclasses this and writes `terms`; it works everywhere but in a saved file.
    """

    # Whether terms has one entry per element of the output (else one per row).
    per_element: ClassVar[bool] = True

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None:
        where = type(self).__name__
        self.reduction = checks.choice(where, "reduction", reduction, REDUCTIONS)
        self.name = name or where

    def terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """Return the terms and two factors of the slopes: new arrays, and a number.

        Both arrays may be overwritten by the caller; slopes have the shape of `output`, terms that
        shape too, or, unless `per_element`, that shape without the last axis.
        """
        kind = type(self).__name__
        raise NotImplementedError(f"{kind}: a loss of your own writes terms(target, output).")

    def prepare(self, where: str, y: Any, samples: int, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y as the targets that `terms` takes, one for each output of `samples` samples.

        Raises
        ------
        ValueError
            The shape does not fit, or a value is not finite.
        """
        target = checks.finite(where, "y", y, dtype, " (drop those samples)")
        return shapes.match_targets(where, target, samples, output_shape)

    def value_and_gradient(
        self,
        target: Array,
        output: Array,
        weight: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[float, Array]:
        """Return the loss and its gradient by the output.

        Parameters
        ----------
        target : array from `prepare`
        output : (N, ..., C) array
        weight : (N, ...) array, optional
            Weight of each row of the output.
        mask : (N, T) bool array, optional
            Steps that count.
        """
        return self.reduce(*self.terms(target, output), weight, mask)

    def reduce(
        self,
        terms: Array,
        slopes: Array,
        factor: float,
        weight: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[float, Array]:
        """Return the loss and the gradient from what `terms` returned; overwrites it."""
        # As in Keras, the elements of a row are averaged even where the rows are summed.
        count = terms.size if self.reduction == "sum_over_batch_size" else terms.shape[-1]
        if mask is not None:
            # Not times 0: whatever stands there, it does not count.
            terms[~mask] = slopes[~mask] = 0
            if self.reduction == "sum_over_batch_size":
                count = count // mask.size * int(np.count_nonzero(mask))
        scale = 1.0
        if count and (self.per_element or self.reduction == "sum_over_batch_size"):
            scale = 1 / count
        if weight is not None:
            terms *= weight[..., None] if self.per_element else weight
            slopes *= weight[..., None]
        slopes *= np.asarray(factor * scale, slopes.dtype)
        return float(np.add.reduce(terms, axis=None)) * scale, slopes

    def value(
        self,
        target: Array,
        output: Array,
        weight: Array | None = None,
        mask: Array | None = None,
    ) -> float:
        """Return the loss alone."""
        return self.value_and_gradient(target, output, weight, mask)[0]

    def get_config(self) -> Config:
        """Return the arguments of the constructor."""
        return dict(vars(self))
