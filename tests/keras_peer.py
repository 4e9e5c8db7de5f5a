"""Keras models with the weights of ours, for tests that compare training; skips without Keras."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras", reason="Keras is not installed: no comparison with it")
tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: no backend of Keras")


def weights_of(layer, which="value"):
    """Our layer's weights as the list that Keras's layer takes."""
    kind = type(layer).__name__
    if kind == "Bidirectional":
        return weights_of(layer.forward_layer, which) + weights_of(layer.backward_layer, which)
    named = {p.name.rpartition("/")[2]: getattr(p, which) for p in layer.parameters}
    if kind in ("Dense", "Embedding", "Masking", "Dropout"):
        return list(named.values())
    if kind == "GRU":
        named = {name: z_first(value) for name, value in named.items()}
    listed = [named["weight_ih"].T, named["weight_hh"].T]
    if "bias_hh" in named:
        listed.append(np.stack([named["bias_ih"], named["bias_hh"]]))
    elif "bias_ih" in named:
        listed.append(named["bias_ih"])
    return listed


def z_first(rows):
    """Rows in the order r z n to Keras's order z r n."""
    r, z, n = np.split(rows, 3)
    return np.concatenate([z, r, n])


def keras_layer(layer):
    """A Keras layer with the options of ours."""
    kind = type(layer).__name__
    given = layer.get_config().items()
    config = {k: v for k, v in given if v is not None and "initializer" not in k}
    for name, value in config.items():
        if isinstance(value, dict) and name.endswith(("_regularizer", "_constraint")):
            module = getattr(keras, f"{name.rpartition('_')[2]}s")
            config[name] = getattr(module, value["class"])(**value["config"])
    for ours in ("update", "noise_shape", "input_shape"):
        config.pop(ours, None)
    if kind == "Bidirectional":
        both = keras_layer(layer.forward_layer)
        return keras.layers.Bidirectional(both, merge_mode=layer.merge_mode, dtype=layer.dtype.name)
    return getattr(keras.layers, kind)(**config)


def twin(model):
    """A Keras model with the layers and weights of a built model."""
    copy = keras.Sequential([keras.Input(model.input_shape)])
    for layer in model.layers:
        copy.add(keras_layer(layer))
    for layer, other in zip(model.layers, copy.layers, strict=True):
        other.set_weights(weights_of(layer))
    return copy


def assert_same_weights(model, copy, **tolerance):
    for layer, other in zip(model.layers, copy.layers, strict=True):
        for ours, theirs in zip(weights_of(layer), other.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, err_msg=layer.name, **tolerance)
