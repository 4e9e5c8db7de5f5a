"""Regularizers and constraints, which have the same names and arguments in Keras and here."""

from typing import Any

from tidegate.layers import constraints, regularizers
from tidegate.layers.base import Layer

_KNOWN: dict[str, Any] = {
    "regularizer": regularizers.CLASSES,
    "constraint": constraints.CLASSES,
}
_ROLES = ("kernel", "recurrent", "bias", "embeddings")


def rules_from_keras(layer: Any) -> dict[str, Any]:
    """Return the arguments about regularizers and constraints of a layer of Keras."""
    found = {}
    for role in _ROLES:
        for rule, known in _KNOWN.items():
            argument = f"{role}_{rule}"
            given = getattr(layer, argument, None)
            if given is None:
                continue
            kind = type(given).__name__
            if kind not in known or not type(given).__module__.startswith("keras."):
                raise ValueError(
                    f"from_keras: layer {layer.name!r} ({type(layer).__name__}): {argument} is "
                    f"{kind}; expected one of {', '.join(known)}, or None."
                )
            config = {name: _plain(value) for name, value in given.get_config().items()}
            found[argument] = known[kind](**config)
    return found


def rules_to_keras(layer: Layer) -> dict[str, Any]:
    """Return the arguments about regularizers and constraints of one of our layers."""
    import keras

    found = {}
    for argument, described in layer.get_config().items():
        rule = argument.rpartition("_")[2]
        if rule not in _KNOWN or described is None:
            continue
        if not isinstance(described, dict) or described.get("class") not in _KNOWN[rule]:
            raise ValueError(
                f"to_keras: layer {layer.name!r} ({type(layer).__name__}): {argument} is of a "
                f"class of your own; expected one of {', '.join(_KNOWN[rule])}."
            )
        found[argument] = getattr(getattr(keras, f"{rule}s"), described["class"])(
            **described["config"]
        )
    return found


def _plain(value: Any) -> Any:
    """Return a number of the backend as one of Python."""
    return value.item() if hasattr(value, "item") else value
