"""Layer normalisation in layers and models, and what it refuses."""

import json

import numpy as np
import pytest

from engine_runs import assert_same_parts, refuses
from tidegate import CellWeights, Stream, functional, layers, load, models

LAYERS = (
    layers.LSTM(6, layer_norm=True, return_sequences=True, peephole="diagonal"),
    layers.GRU(6, layer_norm=True, zoneout=0.2, recurrent_dropout=0.2),
    layers.SimpleRNN(6, layer_norm=True, go_backwards=True),
    layers.GRUD(6, layer_norm=True, reset_after=True),
)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers_train_and_come_back_from_files(layer, tmp_path):
    config = json.loads(json.dumps(layer.get_config()))
    assert config["layer_norm"] is True
    model = models.Sequential([type(layer).from_config(config), layers.Dense(1)], seed=0)
    model.compile(optimizer="adam", loss="mse")
    x = np.random.default_rng(0).normal(size=(32, 5, 2)).astype(np.float32)
    target = x.sum(axis=2, keepdims=True) if layer.return_sequences else x.sum(axis=(1, 2))
    history = model.fit(x, target, epochs=15, verbose=0)
    assert history.history["loss"][-1] < 0.97 * history.history["loss"][0]
    first = model.layers[0]
    weights = first.cell_weights
    assert not np.array_equal(weights.gamma_ih, np.ones_like(weights.gamma_ih))
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    assert again.layers[0].get_config() == first.get_config()
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_first_gains_are_one_and_shifts_zero():
    layer = layers.LSTM(4, layer_norm=True)
    layer(np.zeros((1, 2, 3)))
    w = layer.cell_weights
    assert w.gamma_ih.shape == w.gamma_hh.shape == (16,)
    for gain in (w.gamma_ih, w.gamma_hh, w.gamma_c):
        np.testing.assert_array_equal(gain, 1)
    np.testing.assert_array_equal(w.beta_c, 0)
    assert "layer_norm" not in layers.LSTM(4).get_config()


def test_layers_around_it():
    """Two directions, a mask, returned states, a stream: each as the functional door gives it."""
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)
    mask = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [0, 0, 0, 0, 0]], bool)
    wrapped = layers.LSTM(4, layer_norm=True, return_sequences=True)
    layer = layers.Bidirectional(wrapped)
    y = layer(x, mask=mask)
    both = [part.cell_weights for part in layer.recurrent_parts()]
    out = functional.birnn_forward(*both, x, mask=mask, batch_first=True)
    np.testing.assert_array_equal(y, out.y)
    gru = layers.GRU(4, layer_norm=True, return_sequences=True, return_state=True)
    y, h = gru(x)
    out = functional.rnn_forward(gru.cell_weights, x, batch_first=True)
    np.testing.assert_array_equal(y, out.y)
    assert_same_parts((h,), out.state)
    stream = Stream(gru, batch_size=3)
    for t in range(5):
        np.testing.assert_array_equal(stream.step(x[:, t]), y[:, t])


# -- refused ---------------------------------------------------------------------------------------

H = 3


def arrays(gates, *names):
    shapes = {"weight_ih": (gates * H, 2), "weight_hh": (gates * H, H)}
    shapes |= {n: (H,) if n.endswith("_c") else (gates * H,) for n in names}
    return {name: np.ones(shape) for name, shape in shapes.items()}


ALL = ("gamma_ih", "gamma_hh", "gamma_c", "beta_c")


def test_arrays_come_together():
    with refuses(ValueError, "CellWeights: gamma_hh is None and gamma_ih is given; expected all"):
        CellWeights("gru", **arrays(3, "gamma_ih"))
    with refuses(ValueError, "CellWeights: gamma_c is None", "gamma_c, beta_c, or none"):
        CellWeights("lstm", **arrays(4, "gamma_ih", "gamma_hh"))
    with refuses(ValueError, 'CellWeights: gamma_c is given; expected None for cell "rnn"'):
        CellWeights("rnn", **arrays(1, *ALL))


@pytest.mark.parametrize("name", ALL)
def test_shapes_of_gains(name):
    given = arrays(4, *ALL) | {name: np.ones(5)}
    with refuses(ValueError, f"CellWeights: {name} has shape (5,); expected ("):
        CellWeights("lstm", **given)


def test_what_does_not_combine():
    with refuses(ValueError, "layer normalisation is combined with reset_after=False", "R_n"):
        CellWeights("gru", **arrays(3, *ALL[:2]), reset_after=False)
    with refuses(ValueError, "is combined with a full peephole", "diagonal ones combine"):
        CellWeights("lstm", **arrays(4, *ALL), peephole=np.ones((3, H, H)))
    with refuses(ValueError, "is combined with a projection; expected one of the two"):
        CellWeights("lstm", **arrays(4, *ALL), weight_hr=np.ones((H, H)))
    with refuses(ValueError, "is combined with weight_cc; expected one of the two"):
        CellWeights("lstm", **arrays(4, *ALL), weight_cc=np.ones((H, H)))
    with refuses(ValueError, "TimeLSTM: layer normalisation is combined with weight_cc"):
        layers.TimeLSTM(4, layer_norm=True)
    with refuses(ValueError, "GRU: layer normalisation is combined with reset_after=False"):
        layers.GRU(4, layer_norm=True, reset_after=False)
    with refuses(ValueError, "GRUD: layer normalisation is combined with reset_after=False"):
        layers.GRUD(4, layer_norm=True)
    with refuses(ValueError, "LSTM: layer normalisation is combined with a projection"):
        layers.LSTM(4, layer_norm=True, projection=2)
    with refuses(TypeError, "LSTM: layer_norm is 1 of type int; expected True or False"):
        layers.LSTM(4, layer_norm=1)
