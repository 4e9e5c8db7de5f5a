"""Whole models of tidegate as models of Keras."""

from typing import Any

from tidegate._extras import require
from tidegate.keras.layer_to_keras import keras_layer, place_of
from tidegate.keras.masks import require_forward_masks
from tidegate.layers import Embedding
from tidegate.layers.base import Layer
from tidegate.models import Model, Sequential
from tidegate.models.base import BaseModel


def to_keras(model: BaseModel, *, batch_size: int | None = None) -> Any:
    """Return a model of Keras with the layers and the weights of a model of tidegate.

    Parameters
    ----------
    model : Sequential or Model
        Built. Layers: LSTM, GRU, SimpleRNN, Bidirectional, Dense, Embedding, Masking, Dropout,
        Concatenate, Add, Average, Multiply, Attention, AdditiveAttention.
    batch_size : int, optional
        Rows of every batch; Keras needs it where a layer is stateful.

    Returns
    -------
    keras.Sequential or keras.Model
        Predictions agree to rounding. It is not compiled.

    Raises
    ------
    ValueError
        A layer or an option that Keras does not have; the message names the layer, the option and
        the nearest supported form. Or the model is not built.
    TypeError
        It is no model of tidegate.
    ImportError
        Keras is not installed.

    Examples
    --------
    >>> from tidegate.layers import LSTM, Dense
    >>> ours = Sequential([LSTM(8, input_shape=(10, 1)), Dense(1)], seed=0)
    >>> to_keras(ours).predict(np.zeros((2, 10, 1)), verbose=0).shape
    (2, 1)
    """
    where = "to_keras"
    keras = require("keras", extra="keras", purpose=where)
    if not isinstance(model, Sequential | Model):
        raise TypeError(
            f"{where}: model is a {type(model).__name__}; expected a Sequential or a Model of "
            "tidegate."
        )
    model.require_built(where)
    _require_batch_size(where, model, batch_size)
    require_forward_masks(model, place_of)
    made = {id(layer): keras_layer(layer) for layer in model.layers}
    layers = {key: layer for key, (layer, _) in made.items()}
    if isinstance(model, Model):
        copy = _graph(keras, model, layers, batch_size)
    else:
        first = _input(keras, model.input_shape, model.layers[:1], batch_size, "input")
        copy = keras.Sequential([first, *layers.values()], name=model.name)
    for layer, weights in made.values():
        layer.set_weights(weights)
    return copy


def _require_batch_size(where: str, model: BaseModel, batch_size: int | None) -> None:
    """Raise if states are carried for a number of rows that nobody has told."""
    for layer in model.layers:
        if batch_size is None and any(part.stateful for part in layer.recurrent_parts()):
            raise ValueError(
                f"{where}: batch_size is None and layer {layer.name!r} is stateful; expected the "
                "number of rows of every batch, which Keras keeps states for."
            )


def _graph(keras: Any, model: Model, layers: dict[int, Any], batch_size: int | None) -> Any:
    """Return a functional model."""
    calls = model.calls()
    inputs = [
        _input(
            keras,
            entry.shape,
            [call.layer for call in calls if k in call.sources],
            batch_size,
            name,
        )
        for k, (name, entry) in enumerate(zip(model.input_names, model.inputs, strict=True))
    ]
    tensors = dict(enumerate(inputs))
    for call in calls:
        layer, sources = layers[id(call.layer)], [tensors[place] for place in call.sources]
        if call.layer.takes_list:
            outputs = layer(sources)
        else:
            # With initial_state, Keras 3 does not hand the mask on by itself.
            mask = getattr(sources[0], "_keras_mask", None)
            states = {"initial_state": sources[1:], "mask": mask} if len(sources) > 1 else {}
            outputs = layer(sources[0], **states)
        listed = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        if len(listed) < len(call.targets):
            raise ValueError(f"{place_of(call.layer)}: Keras returns {len(listed)} outputs.")
        tensors |= dict(zip(call.targets, listed, strict=False))
    return keras.Model(inputs, tensors[model.output_place], name=model.name)


def _input(keras: Any, shape: Any, readers: list[Layer], batch_size: int | None, name: str) -> Any:
    """Return an input of integers where an Embedding reads it."""
    integers = any(isinstance(layer, Embedding) for layer in readers)
    dtype = "int32" if integers else max((r.dtype.name for r in readers), default="float32")
    return keras.Input(shape, batch_size, dtype=dtype, name=name)
