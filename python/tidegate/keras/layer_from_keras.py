"""One layer of Keras as a layer of tidegate, with its weights by the names of our parameters."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tidegate import layers
from tidegate.activation import Activation
from tidegate.keras.activations import engine_activation
from tidegate.keras.penalties import rules_from_keras
from tidegate.layers.base import Layer
from tidegate.weights.keras import from_keras

Values = dict[str, Any]
# What stands nearest to layers that tidegate has no counterpart of.
_NEAREST = {
    "RNN": "LSTM, GRU or SimpleRNN, the layers of these cells",
    "StackedRNNCells": "one recurrent layer above the other",
    "ConvLSTM1D": "Flatten the images yourself and use LSTM",
    "ConvLSTM2D": "Flatten the images yourself and use LSTM",
    "Flatten": "a recurrent layer with return_sequences=False, or AttentionPooling",
    "GlobalAveragePooling1D": "tidegate's AttentionPooling",
    "GlobalMaxPooling1D": "tidegate's AttentionPooling",
    "GaussianDropout": "Dropout",
    "AlphaDropout": "Dropout",
    "GaussianNoise": "Dropout",
    "Subtract": "Add of a Dense layer",
    "MultiHeadAttention": "Attention",
    "LayerNormalization": "layer_norm=True of tidegate's recurrent layers",
    "TimeDistributed": "TimeDistributed(Dense), which is Dense",
}


def native_layer(layer: Any) -> tuple[Layer, Values]:
    """Return our layer, not built, and its weights.

    Raises
    ------
    ValueError
        A class, an option or a state of training that tidegate does not have; the message names
        layer, option and nearest supported form.
    """
    kind = kind_of(layer)
    if kind not in _MAKERS:
        nearest = f"nearest: {_NEAREST[kind]}; " if kind in _NEAREST else ""
        raise ValueError(
            f"{place_of(layer)}: no such layer exists in tidegate; expected one of "
            f"{', '.join(_MAKERS)}, or an activation right above a Dense layer that has none and "
            f"that nothing else reads ({nearest}tidegate.keras.accelerate keeps the model of Keras "
            "with all its layers and speeds up the recurrent ones)."
        )
    require_ordinary(layer)
    return _MAKERS[kind](layer)


def kind_of(layer: Any) -> str:
    """Return the class of a layer of Keras or of tidegate.keras; of others, with its module."""
    import keras

    kind = type(layer)
    ours = kind.__module__.startswith("tidegate.keras.")
    if ours or getattr(keras.layers, kind.__name__, None) is kind:
        return kind.__name__
    return f"{kind.__module__}.{kind.__name__}"


def holder_of(layer: Any) -> Any:
    """Return the layer that holds the weights: of TimeDistributed, the Dense inside.

    Dense acts on every step alike, with and without the wrapper.
    """
    if kind_of(layer) != "TimeDistributed":
        return layer
    require_ordinary(layer)
    if kind_of(layer.layer) != "Dense":
        expected = "Dense (only of that it is known that steps do not meet)"
        raise refuse(layer, "layer", type(layer.layer).__name__, expected)
    return layer.layer


def place_of(layer: Any) -> str:
    """Return how messages begin that are about a layer."""
    return f"from_keras: layer {layer.name!r} ({type(layer).__name__})"


def refuse(layer: Any, option: str, value: Any, expected: str) -> ValueError:
    """Return the error about an option of a layer."""
    return ValueError(f"{place_of(layer)}: {option} is {value!r}; expected {expected}.")


def require_ordinary(layer: Any) -> None:
    """Raise for options of every layer of Keras that would change what training does."""
    if not layer.trainable:
        raise refuse(layer, "trainable", False, "True (tidegate trains every layer of a model)")
    if getattr(layer, "activity_regularizer", None) is not None:
        nearest = "None (kernel_regularizer is nearest: penalties are of weights)"
        raise refuse(layer, "activity_regularizer", layer.activity_regularizer, nearest)
    if layer.weights and layer.variable_dtype not in ("float32", "float64"):
        raise refuse(layer, "dtype", layer.variable_dtype, '"float32" or "float64"')
    if layer.compute_dtype != layer.variable_dtype:
        raise refuse(layer, "dtype", layer.dtype_policy.name, f'"{layer.variable_dtype}"')


def _common(layer: Any) -> dict[str, Any]:
    """Return the arguments of every layer with weights."""
    return {"name": layer.name, "dtype": layer.variable_dtype, **rules_from_keras(layer)}


def activation_from_keras(layer: Any, argument: str, *, softmax: bool = False) -> str | Activation:
    """Return our activation for a function of keras.activations."""
    import keras

    function = getattr(layer, argument)
    if softmax and function is keras.activations.softmax:
        return "softmax"
    return engine_activation(place_of(layer), argument, function)


def _arrays(layer: Any) -> list[Any]:
    return [np.asarray(array) for array in layer.get_weights()]


_CELLS: dict[str, tuple[str, Any]] = {
    "LSTM": ("lstm", layers.LSTM),
    "GRU": ("gru", layers.GRU),
    "SimpleRNN": ("rnn", layers.SimpleRNN),
}


def _recurrent(layer: Any, name: str | None = None) -> tuple[Any, Values]:
    """Return a recurrent layer; what unroll and use_cudnn choose has no part in the result."""
    kind = kind_of(layer)
    cell, ours = _CELLS[kind]
    options: dict[str, Any] = {"activation": activation_from_keras(layer, "activation")}
    if cell != "rnn":
        options["recurrent_activation"] = activation_from_keras(layer, "recurrent_activation")
    cells = from_keras(
        _arrays(layer), cell, reset_after=getattr(layer, "reset_after", True), **options
    )
    if cell == "gru":
        options["reset_after"] = layer.reset_after
    names: tuple[str, ...] = (
        "use_bias",
        "return_sequences",
        "return_state",
        "go_backwards",
        "stateful",
    )
    names += ("dropout", "recurrent_dropout", "zero_output_for_mask")
    options |= {option: getattr(layer, option) for option in names}
    made = ours(layer.units, **_common(layer) | {"name": name or layer.name}, **options)
    return made, dict(cells.arrays())


def _bidirectional(layer: Any) -> tuple[Layer, Values]:
    made: list[Any] = []
    values: Values = {}
    for direction in ("forward", "backward"):
        inner = getattr(layer, f"{direction}_layer")
        if kind_of(inner) not in _CELLS:
            expected = f"one of {', '.join(_CELLS)}"
            raise refuse(layer, f"{direction}_layer", type(inner).__name__, expected)
        require_ordinary(inner)
        given = inner.name.removeprefix(f"{direction}_")
        native, arrays = _recurrent(inner, given)
        made.append(native)
        values |= {f"{direction}/{name}": array for name, array in arrays.items()}
    return layers.Bidirectional(made[0], layer.merge_mode, made[1], name=layer.name), values


def _dense(layer: Any) -> tuple[Layer, Values]:
    activation = activation_from_keras(layer, "activation", softmax=True)
    if getattr(layer, "lora_enabled", False):
        raise refuse(layer, "lora_rank", layer.lora_rank, "None (merge it into the kernel first)")
    made = layers.Dense(layer.units, activation, layer.use_bias, **_common(layer))
    return made, dict(zip(("kernel", "bias"), _arrays(layer), strict=False))


def _embedding(layer: Any) -> tuple[Layer, Values]:
    if getattr(layer, "lora_enabled", False):
        raise refuse(layer, "lora_rank", layer.lora_rank, "None (merge it into the table first)")
    made = layers.Embedding(
        layer.input_dim, layer.output_dim, mask_zero=layer.mask_zero, **_common(layer)
    )
    return made, {"embeddings": _arrays(layer)[0]}


def _masking(layer: Any) -> tuple[Layer, Values]:
    return layers.Masking(float(layer.mask_value), name=layer.name), {}


def _dropout(layer: Any) -> tuple[Layer, Values]:
    return layers.Dropout(layer.rate, layer.noise_shape, name=layer.name), {}


def _spatial_dropout(layer: Any) -> tuple[Layer, Values]:
    return layers.Dropout(layer.rate, (None, 1, None), name=layer.name), {}


def _time_distributed(layer: Any) -> tuple[Layer, Values]:
    return native_layer(holder_of(layer))


def _concatenate(layer: Any) -> tuple[Layer, Values]:
    return layers.Concatenate(layer.axis, name=layer.name), {}


def _joining(ours: Any) -> Callable[[Any], tuple[Layer, Values]]:
    return lambda layer: (ours(name=layer.name), {})


def _attention(layer: Any) -> tuple[Layer, Values]:
    if layer.dropout:
        raise refuse(layer, "dropout", layer.dropout, "0.0 (a Dropout layer after it is nearest)")
    common = {"name": layer.name, "dtype": layer.variable_dtype}
    values = {"scale": _arrays(layer)[0]} if layer.use_scale else {}
    if kind_of(layer) == "AdditiveAttention":
        return layers.AdditiveAttention(layer.use_scale, **common), values
    if layer.score_mode != "dot":
        raise refuse(layer, "score_mode", layer.score_mode, '"dot" (AdditiveAttention is nearest)')
    return layers.Attention(layer.use_scale, **common), values


_MAKERS: dict[str, Callable[[Any], tuple[Layer, Values]]] = {
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "SimpleRNN": _recurrent,
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Embedding": _embedding,
    "Masking": _masking,
    "Dropout": _dropout,
    "SpatialDropout1D": _spatial_dropout,
    "TimeDistributed": _time_distributed,
    "Concatenate": _concatenate,
    "Add": _joining(layers.Add),
    "Average": _joining(layers.Average),
    "Multiply": _joining(layers.Multiply),
    "Attention": _attention,
    "AdditiveAttention": _attention,
}
