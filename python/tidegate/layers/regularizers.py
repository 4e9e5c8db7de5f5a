"""Regularizers: a penalty on weights that is added to the loss, and its gradient.

L1    l1 Σ|w|                 gradient  l1 sign(w)
L2    l2 Σ w²                 gradient  2 l2 w
L1L2  l1 Σ|w| + l2 Σ w²       the sum of both
"""

from typing import Any

import numpy as np

from tidegate.layers import checks, lookup
from tidegate.layers.types import Array, Config


class Regularizer:
    """Base of all regularizers; for a rule of your own write `value` and `gradient`.

    Both see the array in Keras's shape: a recurrent layer's kernel is (I, G*H).
    """

    def value(self, w: Array) -> float:
        """Return the penalty."""
        raise NotImplementedError(f"{type(self).__name__}: a regularizer writes value.")

    def gradient(self, w: Array) -> Array:
        """Return the gradient of the penalty by w."""
        raise NotImplementedError(f"{type(self).__name__}: a regularizer writes gradient.")

    def get_config(self) -> Config:
        """Return the arguments of the constructor."""
        return dict(vars(self))

    def __repr__(self) -> str:
        """Return the class and its arguments."""
        arguments = ", ".join(f"{key}={value!r}" for key, value in vars(self).items())
        return f"{type(self).__name__}({arguments})"


class L1L2(Regularizer):
    """l1 Σ|w| + l2 Σ w².

    Parameters
    ----------
    l1, l2 : float
        At least 0.

    Examples
    --------
    >>> L1L2(l1=0.5, l2=0.1).value(np.array([1.0, -2.0]))
    2.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = checks.number(type(self).__name__, "l1", l1, least=0)
        self.l2 = checks.number(type(self).__name__, "l2", l2, least=0)

    def value(self, w: Array) -> float:
        """See the base class; summed in float64."""
        total = 0.0
        if self.l1:
            total += self.l1 * float(np.add.reduce(np.abs(w), axis=None, dtype=np.float64))
        if self.l2:
            total += self.l2 * float(np.add.reduce(np.square(w), axis=None, dtype=np.float64))
        return total

    def gradient(self, w: Array) -> Array:
        """See the base class."""
        scale = np.asarray(2 * self.l2, w.dtype)
        gradient: Array = scale * w
        if self.l1:
            gradient += np.asarray(self.l1, w.dtype) * np.sign(w)
        return gradient


class L1(L1L2):
    """l1 Σ|w|."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)

    def get_config(self) -> Config:
        """See the base class."""
        return {"l1": self.l1}


class L2(L1L2):
    """l2 Σ w²."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)

    def get_config(self) -> Config:
        """See the base class."""
        return {"l2": self.l2}


CLASSES: dict[str, type[Regularizer]] = {kind.__name__: kind for kind in (L1, L2, L1L2)}
NAMED: dict[str, type[Regularizer]] = {"l1": L1, "l2": L2}


def get(where: str, name: str, value: Any) -> Regularizer | None:
    """Return the regularizer that a name, an object or a configuration stands for."""
    if value is None:
        return None
    expected = '"l1", "l2" or a Regularizer such as L2(1e-4)'
    return lookup.find(where, name, value, Regularizer, CLASSES, NAMED, expected)
