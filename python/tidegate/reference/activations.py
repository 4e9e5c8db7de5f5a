"""Activations: the value y, and beside it the slope (derivative) written with that *output* y.

    tanh      y = tanh(a)             dy/da = 1 - y²
    sigmoid   y = 1 / (1 + exp(-a))   dy/da = y (1 - y)
    relu      y = max(a, 0)           dy/da = 0 where y <= 0, else 1 (also where y is NaN)
    linear    y = a                   dy/da = 1

The slope takes y because y is what the backward pass has saved: the pre-activation is gone by then.
To add an activation, write one such pair and add it to `ACTIVATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Activation(NamedTuple):
    """A value y = value(a) and its derivative dy/da = slope(y)."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


def tanh(a: Array) -> Array:
    """Compute the hyperbolic tangent."""
    y: Array = np.tanh(a)
    return y


def tanh_slope(y: Array) -> Array:
    """Differentiate tanh."""
    return 1 - y * y


def sigmoid(a: Array) -> Array:
    """Compute the logistic function; exp only ever sees -|a|, so that it cannot overflow."""
    e = np.exp(-np.abs(a))
    y: Array = np.where(a >= 0, 1, e) / (1 + e)
    return y


def sigmoid_slope(y: Array) -> Array:
    """Differentiate sigmoid."""
    slope: Array = y * (1 - y)
    return slope


def relu(a: Array) -> Array:
    """Keep the positive part; a NaN stays NaN."""
    y: Array = np.maximum(a, 0)
    return y


def relu_slope(y: Array) -> Array:
    """Differentiate relu."""
    slope: Array = np.where(y <= 0, 0.0, 1.0)
    return slope


def linear(a: Array) -> Array:
    """Return a as it is."""
    return a


def linear_slope(y: Array) -> Array:
    """Differentiate linear."""
    return np.ones_like(y)


ACTIVATIONS = {
    "tanh": Activation(tanh, tanh_slope),
    "sigmoid": Activation(sigmoid, sigmoid_slope),
    "relu": Activation(relu, relu_slope),
    "linear": Activation(linear, linear_slope),
}
