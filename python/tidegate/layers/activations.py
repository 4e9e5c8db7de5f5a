"""Activations of Dense: the value, and the gradient from the *output*, side by side.

Recurrent layers name theirs to the engine; these work on whole arrays, in place.
"""

from typing import Any, ClassVar

import numpy as np

from tidegate.activation import Activation, as_activation
from tidegate.layers import checks
from tidegate.layers.types import Array


class Linear:
    """y = a."""

    name: ClassVar[str] = "linear"

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


NAMED: dict[str, Linear] = {kind.name: kind() for kind in (Linear, Relu, Tanh, Sigmoid, Softmax)}


def get(where: str, name: str | None) -> Linear:
    """Return the activation of Dense that a name stands for; None is linear, as in Keras."""
    return NAMED["linear" if name is None else checks.choice(where, "activation", name, NAMED)]


def recurrent(where: str, argument: str, given: Any) -> str | Activation:
    """Return an activation of a cell; None is linear, as in Keras."""
    return "linear" if given is None else as_activation(where, argument, given)
