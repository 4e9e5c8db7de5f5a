"""Cross-entropies, from probabilities or, numerically safer, from logits.

From logits a:       binary        max(a, 0) - a·t + log(1 + exp(-|a|)),   slope σ(a) - t
                     categorical   Σ t·(log Σ exp(a) - a),                 slope softmax(a)·Σt - t
From probabilities p, as Keras does: p is clipped to [1e-7, 1 - 1e-7] and has no slope beyond.

A model whose last layer is Dense with the matching activation hands over that layer's logits.
"""

from typing import Any, ClassVar

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array, Dtype, Shape
from tidegate.training import shapes
from tidegate.training.losses.base import Loss

EPSILON = 1e-7


def _clip(p: Array) -> tuple[Array, Array]:
    """Return p away from 0 and 1, and where it has a slope."""
    return np.clip(p, EPSILON, 1 - EPSILON), (p >= EPSILON) & (p <= 1 - EPSILON)


def _log_softmax(a: Array) -> Array:
    shifted: Array = a - a.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


class CrossEntropy(Loss):
    """What the three have in common.

    Parameters
    ----------
    from_logits : bool
        The output holds logits, not probabilities.
    """

    # The activation of a last Dense layer whose logits the loss takes instead of its output.
    fuses: ClassVar[str]

    def __init__(self, from_logits: bool, reduction: str, name: str | None) -> None:
        super().__init__(reduction, name)
        self.from_logits = checks.boolean(type(self).__name__, "from_logits", from_logits)

    def terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See Loss."""
        return (self.logit_terms if self.from_logits else self.probability_terms)(target, output)

    def logit_terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """Return `terms` for an output that holds logits."""
        raise NotImplementedError

    def probability_terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """Return `terms` for an output that holds probabilities."""
        raise NotImplementedError


class _Smoothed(CrossEntropy):
    """Targets may be smoothed (Szegedy et al. 2016)."""

    def __init__(
        self, from_logits: bool, label_smoothing: float, reduction: str, name: str | None
    ) -> None:
        super().__init__(from_logits, reduction, name)
        self.label_smoothing = checks.number(
            type(self).__name__, "label_smoothing", label_smoothing, least=0, most=1
        )


class BinaryCrossentropy(_Smoothed):
    """-t·log(p) - (1 - t)·log(1 - p), for outputs that are yes or no each.

    Parameters
    ----------
    from_logits : bool
        The output is a, with p = σ(a), not p.
    label_smoothing : float
        Move targets this far, 0..1, towards 1/2.
    reduction, name
        See Loss.
    """

    fuses = "sigmoid"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, reduction, name)

    def prepare(self, where: str, y: Any, samples: int, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y, labels or probabilities, each 0..1; see Loss."""
        target = super().prepare(where, y, samples, output_shape, dtype)
        for wrong in (target.min(initial=0), target.max(initial=1)):
            if not 0 <= wrong <= 1:
                raise ValueError(
                    f"{where}: y has the value {wrong:g}; expected 0..1, as the loss is binary "
                    '(class numbers: loss="sparse_categorical_crossentropy"; -1 and 1: '
                    "(y + 1) / 2)."
                )
        return target

    def _smooth(self, target: Array) -> Array:
        if not self.label_smoothing:
            return target
        smoothed: Array = target * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        return smoothed

    def logit_terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See the base class."""
        target = self._smooth(target)
        decay = np.exp(-np.abs(output))
        terms = np.maximum(output, 0) - output * target + np.log1p(decay)
        sigmoid = np.where(output >= 0, 1, decay) / (1 + decay)
        return terms, sigmoid - target, 1.0

    def probability_terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See the base class."""
        target = self._smooth(target)
        p, inside = _clip(output)
        terms = -(target * np.log(p) + (1 - target) * np.log1p(-p))
        return terms, inside * (p - target) / (p * (1 - p)), 1.0


class CategoricalCrossentropy(_Smoothed):
    """-Σ t·log(p) over the last axis, for one-hot targets or probabilities.

    Parameters
    ----------
    from_logits : bool
        The output is a, with p = softmax(a), not p.
    label_smoothing : float
        Move targets this far, 0..1, towards 1/classes.
    reduction, name
        See Loss.
    """

    fuses = "softmax"
    per_element = False

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, reduction, name)

    def _smooth(self, target: Array) -> Array:
        if not self.label_smoothing:
            return target
        share = self.label_smoothing / target.shape[-1]
        smoothed: Array = target * (1 - self.label_smoothing) + share
        return smoothed

    def logit_terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See the base class."""
        target = self._smooth(target)
        log_p = _log_softmax(output)
        slopes = np.exp(log_p) * target.sum(axis=-1, keepdims=True) - target
        return -(target * log_p).sum(axis=-1), slopes, 1.0

    def probability_terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See the base class; the probabilities are divided by their sum first."""
        target = self._smooth(target)
        total = output.sum(axis=-1, keepdims=True)
        p, inside = _clip(output / total)
        pull = inside * target / p  # -d/dp of the terms
        slopes = ((pull * output).sum(axis=-1, keepdims=True) / total - pull) / total
        return -(target * np.log(p)).sum(axis=-1), slopes, 1.0


class SparseCategoricalCrossentropy(CrossEntropy):
    """-log(p[t]) over the last axis, for targets that are class numbers 0..C-1.

    Parameters
    ----------
    from_logits : bool
        The output is a, with p = softmax(a), not p.
    reduction, name
        See Loss.
    """

    fuses = "softmax"
    per_element = False

    def __init__(
        self,
        from_logits: bool = False,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, reduction, name)

    def prepare(self, where: str, y: Any, samples: int, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y as int64 without the axis of classes; see Loss."""
        target = checks.numeric(where, "y", y)
        if target.dtype.kind == "f":
            target = checks.finite(where, "y", target, target.dtype)
            if (fraction := target != np.trunc(target)).any():
                raise ValueError(
                    f"{where}: y has the value {target[fraction][0]}; expected class numbers "
                    '(for one-hot targets: loss="categorical_crossentropy").'
                )
        target = shapes.match_labels(where, target, samples, output_shape)
        classes = output_shape[-1] or 0
        bad = (target < 0) | (target >= classes)
        if bad.any():
            raise ValueError(
                f"{where}: y has the class {target[bad][0]}; expected 0..{classes - 1}, as the "
                f"model has {classes} outputs."
            )
        return np.require(target, np.int64, ["C", "A"])

    def logit_terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See the base class."""
        log_p = _log_softmax(output)
        terms = -np.take_along_axis(log_p, target[..., None], axis=-1)[..., 0]
        slopes = np.exp(log_p, out=log_p)
        rows = slopes.reshape(-1, slopes.shape[-1])
        rows[np.arange(len(rows)), target.ravel()] -= 1
        return terms, slopes, 1.0

    def probability_terms(self, target: Array, output: Array) -> tuple[Array, Array, float]:
        """See the base class; the logs of clipped probabilities are taken as logits."""
        p, inside = _clip(output)
        terms, slopes, factor = self.logit_terms(target, np.log(p))
        return terms, inside * slopes / p, factor
