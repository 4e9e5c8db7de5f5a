"""Constraints: what an array of weights is turned into after each step of training.

    MaxNorm   w · min(|w|, limit) / |w|     |w|: the norm along `axis`
    UnitNorm  w / |w|
    NonNeg    max(w, 0)

Arrays and axes are Keras's: a kernel is (I, G*H), a recurrent kernel (H, G*H), so that axis 0, the
default, gives the norm of what enters one gate of one unit. Norms get Keras's 1e-7 against 0.
"""

from typing import Any

import numpy as np

from tidegate.layers import checks, lookup
from tidegate.layers.types import Array, Config

EPSILON = 1e-7


class Constraint:
    """Base of all constraints; for a rule of your own write `__call__`."""

    def __call__(self, w: Array) -> Array:
        """Return an array of the same shape that satisfies the constraint."""
        raise NotImplementedError(f"{type(self).__name__}: a constraint writes __call__.")

    def get_config(self) -> Config:
        """Return the arguments of the constructor."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}

    def __repr__(self) -> str:
        """Return the class and its arguments."""
        arguments = ", ".join(f"{key}={value!r}" for key, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"


class MaxNorm(Constraint):
    """Scale down what has a larger norm than `max_value`.

    Parameters
    ----------
    max_value : float
    axis : int or tuple of int
        Axes that the norm sums over.

    Examples
    --------
    >>> MaxNorm(1.0)(np.array([[3.0, 0.3], [4.0, 0.4]])).round(6)
    array([[0.6, 0.3],
           [0.8, 0.4]])
    """

    def __init__(self, max_value: float = 2.0, axis: Any = 0) -> None:
        self.max_value = checks.number("MaxNorm", "max_value", max_value, least=0)
        self.axis = _axes("MaxNorm", axis)

    def __call__(self, w: Array) -> Array:
        """See the base class."""
        norms = _norms(w, self.axis)
        scaled: Array = w * (np.minimum(norms, self.max_value) / (EPSILON + norms)).astype(w.dtype)
        return scaled


class UnitNorm(Constraint):
    """Scale everything to norm 1.

    Parameters
    ----------
    axis : int or tuple of int
        Axes that the norm sums over.
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = _axes("UnitNorm", axis)

    def __call__(self, w: Array) -> Array:
        """See the base class."""
        scaled: Array = w / (EPSILON + _norms(w, self.axis)).astype(w.dtype)
        return scaled


class NonNeg(Constraint):
    """Set what is negative to 0."""

    def __call__(self, w: Array) -> Array:
        """See the base class."""
        return np.maximum(w, 0)


def _axes(where: str, axis: Any) -> int | tuple[int, ...]:
    if isinstance(axis, list | tuple):
        return tuple(checks.integer(where, "an axis", part, least=-8) for part in axis)
    return checks.integer(where, "axis", axis, least=-8)


def _norms(w: Array, axis: int | tuple[int, ...]) -> Array:
    norms: Array = np.sqrt(np.add.reduce(np.square(w), axis=axis, keepdims=True))
    return norms


CLASSES: dict[str, type[Constraint]] = {kind.__name__: kind for kind in (MaxNorm, NonNeg, UnitNorm)}
NAMED: dict[str, type[Constraint]] = {"max_norm": MaxNorm, "non_neg": NonNeg, "unit_norm": UnitNorm}


def get(where: str, name: str, value: Any) -> Constraint | None:
    """Return the constraint that a name, an object or a configuration stands for."""
    if value is None:
        return None
    expected = '"max_norm", "non_neg", "unit_norm" or a Constraint such as MaxNorm(3.0)'
    return lookup.find(where, name, value, Constraint, CLASSES, NAMED, expected)
