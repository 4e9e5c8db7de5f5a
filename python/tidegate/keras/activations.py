"""Functions of keras.activations as activations of the engine."""

from typing import Any

from tidegate.activation import Activation
from tidegate.weights.keras import ACTIVATIONS

# What Keras has and the engine has not, with what comes nearest.
NEAREST = {
    "celu": "elu",
    "exponential": "softplus",
    "gelu": "softplus",
    "glu": "sigmoid",
    "hard_shrink": "linear",
    "hard_silu": "relu",
    "hard_tanh": "tanh",
    "log_sigmoid": "softplus",
    "log_softmax": "softplus",
    "mish": "softplus",
    "relu6": "relu",
    "selu": "elu",
    "silu": "relu",
    "soft_shrink": "linear",
    "softmax": "sigmoid",
    "sparse_plus": "relu",
    "sparse_sigmoid": "hard_sigmoid",
    "sparsemax": "sigmoid",
    "squareplus": "softplus",
    "tanh_shrink": "linear",
    "threshold": "relu",
}


def engine_activation(where: str, argument: str, function: Any, keras: Any) -> str | Activation:
    """Return the engine's activation for a function of keras.activations, or raise."""
    name = getattr(function, "__name__", type(function).__name__)
    known = getattr(keras.activations, name, None) is function
    if known and name in ACTIVATIONS:
        return ACTIVATIONS[name]
    nearest = f'; "{NEAREST[name]}" is nearest' if known and name in NEAREST else ""
    got = f'"{name}"' if known else f"{function!r}"
    raise ValueError(
        f"{where}: {argument} is {got}; expected one of {', '.join(ACTIVATIONS)}{nearest} (the "
        f"engine computes no others; keras.layers.{where} does)."
    )
