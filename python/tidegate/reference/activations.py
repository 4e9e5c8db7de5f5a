"""Activations: the value y, and beside it the slope (derivative) written with that *output* y.

    tanh              y = tanh(a)                    dy/da = 1 - y²
    sigmoid           y = 1 / (1 + exp(-a))          dy/da = y (1 - y)
    relu              y = max(a, 0)                  dy/da = 0 where y <= 0, else 1 (also for NaN)
    linear            y = a                          dy/da = 1
    hard_sigmoid      y = min(max(α a + β, 0), 1)    dy/da = α where 0 < y < 1, else 0
    leaky_relu        y = a if a > 0, else α a       dy/da = 1 where y > 0, else α
    thresholded_relu  y = a if a >= α, else 0        dy/da = 1 where y > 0, else 0
    scaled_tanh       y = α tanh(β a)                dy/da = α β (1 - (y/α)²)
    elu               y = a if a > 0, else           dy/da = 1 where y > 0, else y + α
                          α (exp(a) - 1)
    softsign          y = a / (1 + |a|)              dy/da = (1 - |y|)²
    softplus          y = log(1 + exp(a))            dy/da = 1 - exp(-y)
    affine            y = α a + β                    dy/da = α

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


def hard_sigmoid(alpha: float = 0.2, beta: float = 0.5) -> Activation:
    """Limit a line to 0..1."""
    return Activation(
        lambda a: np.clip(alpha * a + beta, 0, 1),
        lambda y: np.where((y <= 0) | (y >= 1), 0.0, alpha),
    )


def leaky_relu(alpha: float = 0.01) -> Activation:
    """Scale the negative part."""
    return Activation(
        lambda a: np.where(a > 0, a, alpha * a), lambda y: np.where(y <= 0, alpha, 1.0)
    )


def thresholded_relu(alpha: float = 1.0) -> Activation:
    """Keep what reaches a threshold."""
    return Activation(lambda a: np.where(a < alpha, 0.0, a), relu_slope)


def scaled_tanh(alpha: float = 1.0, beta: float = 1.0) -> Activation:
    """Compute tanh with both axes scaled."""
    return Activation(
        lambda a: alpha * np.tanh(beta * a), lambda y: alpha * beta * tanh_slope(y / alpha)
    )


def elu(alpha: float = 1.0) -> Activation:
    """Let the negative part run into -alpha (Clevert et al. 2016)."""
    return Activation(
        lambda a: np.where(a > 0, a, alpha * np.expm1(np.minimum(a, 0))),
        lambda y: np.where(y <= 0, y + alpha, 1.0),
    )


def softsign() -> Activation:
    """Compute a / (1 + |a|)."""
    return Activation(lambda a: a / (1 + np.abs(a)), lambda y: (1 - np.abs(y)) ** 2)


def softplus() -> Activation:
    """Compute log(1 + exp(a)); exp only ever sees -|a|."""
    return Activation(
        lambda a: np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a))), lambda y: -np.expm1(-y)
    )


def affine(alpha: float = 1.0, beta: float = 0.0) -> Activation:
    """Compute a line."""
    return Activation(lambda a: alpha * a + beta, lambda y: np.full_like(y, alpha))


# Each takes its alpha and beta, if it has them.
ACTIVATIONS: dict[str, Callable[..., Activation]] = {
    "tanh": lambda: Activation(tanh, tanh_slope),
    "sigmoid": lambda: Activation(sigmoid, sigmoid_slope),
    "relu": lambda: Activation(relu, relu_slope),
    "linear": lambda: Activation(linear, linear_slope),
    "hard_sigmoid": hard_sigmoid,
    "leaky_relu": leaky_relu,
    "thresholded_relu": thresholded_relu,
    "scaled_tanh": scaled_tanh,
    "elu": elu,
    "softsign": softsign,
    "softplus": softplus,
    "affine": affine,
}


def named(given: Any) -> Activation:
    """Make an activation of a name, a pair (name, parameters), or an object with these."""
    if isinstance(given, str):
        return ACTIVATIONS[given]()
    if isinstance(given, tuple | list):
        name, parameters = given
    else:
        name, parameters = given.name, given.parameters
    return ACTIVATIONS[name](**parameters)
