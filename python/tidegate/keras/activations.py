"""Functions of keras.activations as activations of the engine."""

from typing import Any

from tidegate.activation import Activation
from tidegate.weights.keras import ACTIVATIONS, keras_activation


def engine_activation(where: str, argument: str, function: Any) -> str | Activation:
    """Return the engine's activation for a function of keras.activations, or raise."""
    import keras

    name = getattr(function, "__name__", type(function).__name__)
    if getattr(keras.activations, name, None) is function:
        return keras_activation(where, argument, name)
    raise ValueError(
        f"{where}: {argument} is {function!r}; expected one of {', '.join(ACTIVATIONS)}, functions "
        "of keras.activations (the engine calls no Python in its time loop)."
    )
