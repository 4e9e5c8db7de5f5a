"""One layer of tidegate as a layer of Keras, with its weights as Keras lists them."""

from collections.abc import Callable
from typing import Any

from tidegate import layers
from tidegate.activation import Activation
from tidegate.keras.penalties import rules_to_keras
from tidegate.layers.base import Layer
from tidegate.weights.keras import activation_options, keras_name, to_keras

# A layer of Keras, not built, and what set_weights of it takes.
Made = tuple[Any, list[Any]]
_NEAREST = {
    "GRUD": "MissingIndicator's arrays made by tidegate.sequences.missing_indicator, then GRU",
    "TimeLSTM": "LSTM, with the times as one more feature",
    "MissingIndicator": "tidegate.sequences.missing_indicator on the data",
    "Residual": "a Model with Add()([x, layer(x)])",
    "AttentionPooling": "a Model with Attention",
}


def keras_layer(layer: Layer) -> Made:
    """Return the layer of Keras and its weights.

    Raises
    ------
    ValueError
        A class or an option that Keras does not have; the message names layer, option and nearest
        supported form.
    """
    maker = _MAKERS.get(type(layer))
    if maker is None:
        kind = type(layer).__name__
        listed = ", ".join(known.__name__ for known in _MAKERS)
        nearest = f" (nearest: {_NEAREST[kind]})" if kind in _NEAREST else ""
        raise ValueError(
            f"{place_of(layer)}: no such layer exists in Keras; expected one of {listed}{nearest}."
        )
    return maker(layer)


def place_of(layer: Layer) -> str:
    """Return how messages begin that are about a layer."""
    return f"to_keras: layer {layer.name!r} ({type(layer).__name__})"


def refuse(layer: Layer, option: str, value: Any, expected: str) -> ValueError:
    """Return the error about an option of a layer."""
    return ValueError(f"{place_of(layer)}: {option} is {value!r}; expected {expected}.")


def _common(layer: Layer) -> dict[str, Any]:
    return {"name": layer.name, "dtype": layer.dtype.name, **rules_to_keras(layer)}


def _recurrent(layer: Any) -> Made:
    """Return a recurrent layer; recompute_every changes no result and is left out."""
    import keras

    for option, value in layer.noise.config().items():
        if option in ("zoneout", "weight_drop") and value:
            expected = "0.0 (recurrent_dropout is what Keras has)"
            raise refuse(layer, option, value, expected)
    w = layer.cell_weights
    try:
        arrays = to_keras(w)
        options: dict[str, Any] = dict(activation_options("to_keras", w))
    except ValueError as error:
        raise ValueError(f"{place_of(layer)}: {str(error).partition(': ')[2]}") from None
    names = ["use_bias", "return_sequences", "return_state", "go_backwards", "stateful"]
    names += ["dropout", "recurrent_dropout", "zero_output_for_mask"]
    config = layer.get_config()
    options |= {name: config[name] for name in names if name in config}
    # Of a single output, Keras would make 0 where the last step is masked; here it means nothing.
    options["zero_output_for_mask"] &= layer.return_sequences
    if w.cell == "gru":
        options["reset_after"] = w.reset_after
    made = getattr(keras.layers, type(layer).__name__)(layer.units, **_common(layer) | options)
    return made, arrays


def _bidirectional(layer: Any) -> Made:
    import keras

    (forward, weights), (backward, more) = (
        _recurrent(part) for part in (layer.forward_layer, layer.backward_layer)
    )
    made = keras.layers.Bidirectional(
        forward, layer.merge_mode, backward_layer=backward, name=layer.name, dtype=layer.dtype.name
    )
    return made, weights + more


def _dense(layer: Any) -> Made:
    import keras

    described = layer.activation.config or layer.activation.name
    if isinstance(described, list | tuple):
        described = Activation(described[0], **described[1])
    name = "softmax"
    if described != name:
        name = keras_name(place_of(layer), "activation", described)
    made = keras.layers.Dense(layer.units, name, layer.use_bias, **_common(layer))
    return made, _values(layer)


def _embedding(layer: Any) -> Made:
    import keras

    made = keras.layers.Embedding(
        layer.input_dim, layer.output_dim, mask_zero=layer.mask_zero, **_common(layer)
    )
    return made, _values(layer)


def _masking(layer: Any) -> Made:
    import keras

    return keras.layers.Masking(layer.mask_value, name=layer.name, dtype=layer.dtype.name), []


def _dropout(layer: Any) -> Made:
    import keras

    options = {"name": layer.name, "dtype": layer.dtype.name}
    return keras.layers.Dropout(layer.rate, layer.noise_shape, **options), []


def _concatenate(layer: Any) -> Made:
    import keras

    return keras.layers.Concatenate(layer.axis, name=layer.name, dtype=layer.dtype.name), []


def _joining(layer: Any) -> Made:
    import keras

    kind = getattr(keras.layers, type(layer).__name__)
    return kind(name=layer.name, dtype=layer.dtype.name), []


def _attention(layer: Any) -> Made:
    import keras

    if getattr(layer, "score_mode", "dot") != "dot":
        raise refuse(
            layer, "score_mode", layer.score_mode, '"dot" (put the factor into a Dense layer)'
        )
    kind = getattr(keras.layers, type(layer).__name__)
    return kind(use_scale=layer.use_scale, name=layer.name, dtype=layer.dtype.name), _values(layer)


def _values(layer: Layer) -> list[Any]:
    return [parameter.value for parameter in layer.parameters]


_MAKERS: dict[type[Layer], Callable[[Any], Made]] = {
    layers.LSTM: _recurrent,
    layers.GRU: _recurrent,
    layers.SimpleRNN: _recurrent,
    layers.Bidirectional: _bidirectional,
    layers.Dense: _dense,
    layers.Embedding: _embedding,
    layers.Masking: _masking,
    layers.Dropout: _dropout,
    layers.Concatenate: _concatenate,
    layers.Add: _joining,
    layers.Average: _joining,
    layers.Multiply: _joining,
    layers.Attention: _attention,
    layers.AdditiveAttention: _attention,
}
