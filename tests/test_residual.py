"""Residual: x + layer(x) with any layer, in stacks, with states and in files."""

import copy

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import (
    GRU,
    GRUD,
    LSTM,
    Add,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Layer,
    Residual,
)
from tidegate.models import Sequential

RNG = np.random.default_rng(11)
X = RNG.standard_normal((4, 9, 3)).astype("f4")
Y = RNG.standard_normal((4, 9, 3)).astype("f4")
SEQUENCES = {"return_sequences": True}


def deep(**options):
    layers = [Residual(GRU(3, **SEQUENCES, **options)) for _ in range(4)]
    layers[0].declared_input_shape = (None, 3)
    model = Sequential([*layers, Residual(Dropout(0.1)), Dense(3)], seed=2)
    model.compile("adam", "mse")
    return model


def test_output_is_the_input_and_the_layer_s():
    residual = Residual(LSTM(3, **SEQUENCES))
    y = residual(X)
    np.testing.assert_array_equal(y, X + residual.layer.forward(X)[0])
    np.testing.assert_array_equal(copy.deepcopy(residual)(X), y)


def test_a_deep_stack_trains_and_is_saved(tmp_path):
    model = deep(kernel_regularizer="l2")
    history = model.fit(X, Y, epochs=30, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert "residual_3/weight_hh" in model.named_weights()
    model.save(tmp_path / "m.safetensors")
    loaded = tg.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.evaluate(X, Y) == model.evaluate(X, Y)


def test_states_go_through():
    whole = deep().predict(X)
    model = deep(stateful=True)
    pieces = [model.predict(X[:, k : k + 3]) for k in (0, 3, 6)]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, rtol=1e-5, atol=1e-6)
    model.reset_states()
    np.testing.assert_array_equal(model.predict(X[:, :3]), pieces[0])
    truncated = deep()
    truncated.fit(X, Y, tbptt=3, verbose=0)
    assert truncated.optimizer.iterations == 3


def test_masks_go_through():
    class Masked(Layer):
        def _declare(self, input_shape):
            return (), input_shape

        def forward(self, x, *, training=False, rng=None, mask=None):
            return x * mask[..., None], None

    mask = np.arange(9) < np.array([[9], [3], [0], [5]])
    residual = Residual(Masked())
    residual.build((None, 3))
    y, _ = residual.forward(X, mask=mask)
    np.testing.assert_array_equal(y, X + X * mask[..., None])
    np.testing.assert_array_equal(residual.output_mask(X, mask), mask)


def test_layers_that_cannot_be():
    with pytest.raises(ValueError, match=r"'gru' turns \(N, any, 3\) into \(N, any, 4\); exp"):
        Residual(GRU(4, **SEQUENCES))(X)
    with pytest.raises(ValueError, match=r"'lstm' turns \(N, any, 3\) into \(N, 3\); expected"):
        Residual(LSTM(3))(X)
    with pytest.raises(TypeError, match="Residual: layer is 3; expected a layer that is no Resid"):
        Residual(3)
    with pytest.raises(TypeError, match="expected a layer that is no Residual"):
        Residual(Residual(Dense(3)))
    dense = Dense(3)
    dense(X)
    with pytest.raises(ValueError, match="layer 'dense' is built already; expected a new one"):
        Residual(dense)
    with pytest.raises(ValueError, match="layer 'bidirectional' has several outputs"):
        Residual(Bidirectional(GRU(3), None))
    with pytest.raises(
        ValueError, match="Residual: layer 'add' takes several inputs; expected one"
    ):
        Residual(Add())
    with pytest.raises(ValueError, match="layer 'grud' takes missing values, which its sum would"):
        Residual(GRUD(3))
    with pytest.raises(ValueError, match="dtype is 'float64'; expected 'float32', that of the la"):
        Residual(Dense(3), dtype="float64")
    with pytest.raises(ValueError, match="'embedding' turns"):
        Residual(Embedding(4, 3))(np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="Residual: a layer is 3; expected its class and config"):
        Residual.from_config({"layer": 3})
