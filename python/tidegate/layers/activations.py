"""Activations of Dense: the value, and the gradient from the *output*, side by side.

Recurrent layers name theirs to the engine; these work on whole arrays, in place.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tidegate.activation import Activation, as_activation, config_of
from tidegate.layers import checks
from tidegate.layers.types import Array

Function = Callable[[Array, Any, Any], Array]


class Linear:
    """y = a."""

    name: ClassVar[str] = "linear"
    config: Any = None  # as JSON holds it, where a name does not suffice

    def value(self, a: Array) -> Array:
        """Turn pre-activations into outputs, in place."""
        return a

    def backward(self, y: Array, dy: Array) -> Array:
        """Return the gradient by a from the output and its gradient, which stays as it is."""
        return dy


class Relu(Linear):
    """y = max(a, 0); the slope at 0 is 0."""

    name = "relu"

    def value(self, a: Array) -> Array:
        """See Linear."""
        return np.maximum(a, 0, out=a)

    def backward(self, y: Array, dy: Array) -> Array:
        """See Linear."""
        return dy * (y > 0)


class Tanh(Linear):
    """y = tanh(a)."""

    name = "tanh"

    def value(self, a: Array) -> Array:
        """See Linear."""
        return np.tanh(a, out=a)

    def backward(self, y: Array, dy: Array) -> Array:
        """See Linear."""
        da: Array = dy * (1 - y * y)
        return da


class Sigmoid(Linear):
    """y = 1 / (1 + exp(-a)), written with tanh so that nothing overflows."""

    name = "sigmoid"

    def value(self, a: Array) -> Array:
        """See Linear."""
        a *= 0.5
        np.tanh(a, out=a)
        a *= 0.5
        a += 0.5
        return a

    def backward(self, y: Array, dy: Array) -> Array:
        """See Linear."""
        da: Array = dy * (y * (1 - y))
        return da


class Softmax(Linear):
    """y_k = exp(a_k) / Σ exp(a_j) over the last axis."""

    name = "softmax"

    def value(self, a: Array) -> Array:
        """See Linear."""
        a -= a.max(axis=-1, keepdims=True)
        np.exp(a, out=a)
        a /= a.sum(axis=-1, keepdims=True)
        return a

    def backward(self, y: Array, dy: Array) -> Array:
        """See Linear."""
        da: Array = y * (dy - (y * dy).sum(axis=-1, keepdims=True))
        return da


# Value and slope of the others, from alpha and beta; the slope takes the output.
_CHOSEN: dict[str, tuple[Function, Function]] = {
    "hard_sigmoid": (
        lambda x, a, b: np.clip(a * x + b, 0, 1),
        lambda y, a, b: np.where((y > 0) & (y < 1), a, 0),
    ),
    "leaky_relu": (
        lambda x, a, b: np.where(x > 0, x, a * x),
        lambda y, a, b: np.where(y > 0, 1, a),
    ),
    "thresholded_relu": (
        lambda x, a, b: np.where(x < a, 0, x),
        lambda y, a, b: np.where(y > 0, 1, 0),
    ),
    "scaled_tanh": (
        lambda x, a, b: a * np.tanh(b * x),
        lambda y, a, b: a * b * (1 - (y / a) ** 2),
    ),
    "elu": (
        lambda x, a, b: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
        lambda y, a, b: np.where(y > 0, 1, y + a),
    ),
    "softsign": (lambda x, a, b: x / (1 + np.abs(x)), lambda y, a, b: (1 - np.abs(y)) ** 2),
    "softplus": (lambda x, a, b: np.logaddexp(x, 0), lambda y, a, b: -np.expm1(-y)),
    "affine": (lambda x, a, b: a * x + b, lambda y, a, b: np.full_like(y, a)),
}


class Chosen(Linear):
    """One of `tidegate.Activation`, by value and slope."""

    name = "chosen"

    def __init__(self, activation: str | Activation) -> None:
        made = Activation(activation) if isinstance(activation, str) else activation
        self.config = config_of(activation)
        self._alpha, self._beta = made.alpha, made.beta
        self._value, self._slope = _CHOSEN[made.name]

    def value(self, a: Array) -> Array:
        """See Linear."""
        np.copyto(a, self._value(a, self._alpha, self._beta), casting="same_kind")
        return a

    def backward(self, y: Array, dy: Array) -> Array:
        """See Linear."""
        slope = self._slope(y, self._alpha, self._beta)
        da: Array = dy * slope.astype(y.dtype, copy=False)
        return da


NAMED: dict[str, Linear] = {kind.name: kind() for kind in (Linear, Relu, Tanh, Sigmoid, Softmax)}


def get(where: str, given: Any) -> Linear:
    """Return an activation of Dense; None is linear, as in Keras."""
    if given is None:
        return NAMED["linear"]
    if isinstance(given, tuple | list | Activation):
        given = as_activation(where, "activation", given)
    if isinstance(given, Activation):
        return Chosen(given)
    name = checks.choice(where, "activation", given, (*NAMED, *_CHOSEN))
    return NAMED[name] if name in NAMED else Chosen(name)


def recurrent(where: str, argument: str, given: Any) -> str | Activation:
    """Return an activation of a cell; None is linear, as in Keras."""
    return "linear" if given is None else as_activation(where, argument, given)
