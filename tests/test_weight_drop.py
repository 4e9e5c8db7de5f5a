"""Weight drop: training runs with R∘mask, drawn from the seed; inference has all of R."""

import numpy as np
import pytest

import tidegate as tg
from tidegate import CellWeights, reference
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN
from tidegate.layers.run_mode import RunMode
from tidegate.models import Sequential
from tolerances import assert_forward_close, assert_gradient_close

RNG = np.random.default_rng(10)
X, Y = RNG.standard_normal((6, 7, 3)), RNG.standard_normal((6, 1))
F8 = {"dtype": "float64"}
RATE = 0.4


@pytest.mark.parametrize("layer", [LSTM, GRU, SimpleRNN])
def test_training_is_the_reference_with_masked_weights(layer):
    ours = layer(5, weight_drop=RATE, return_sequences=True, **F8)
    ours(X)
    weights = ours.cell_weights
    mask = (np.random.default_rng(3).random(weights.weight_hh.shape, np.float32) >= RATE) / (
        1 - RATE
    )
    arrays = weights.arrays() | {"weight_hh": weights.weight_hh * mask}
    expected = reference.rnn_forward(
        CellWeights(weights.cell, **arrays), X, training=True, batch_first=True
    )
    y, saved = ours.forward(X, training=True, rng=np.random.default_rng(3))
    assert_forward_close(y, expected.y)
    dy = np.cos(expected.y)
    grads = reference.rnn_backward(expected.saved, dy)
    assert_gradient_close(ours.backward(saved, dy), grads.x, "dx")
    for parameter in ours.parameters:
        gradient = getattr(grads.weights, parameter.name)
        gradient = gradient * mask if parameter.name == "weight_hh" else gradient
        assert_gradient_close(parameter.grad, gradient, parameter.name)
    assert_forward_close(
        ours.forward(X)[0], reference.rnn_forward(weights, X, batch_first=True).y, "inference"
    )


def test_the_mask_keeps_the_mean_of_the_weights():
    layer = LSTM(64, weight_drop=RATE)
    layer.build((None, 3))
    recurrent = layer.cell_weights.weight_hh
    mode = RunMode(training=True, rng=np.random.default_rng(0))
    mask = layer.noise.draw((2, 5, 3), recurrent.shape, 4, layer.dtype, mode).weight_mask
    share = np.mean(mask == 0)
    assert abs(share - RATE) < 5 * np.sqrt(RATE * (1 - RATE) / mask.size)
    np.testing.assert_allclose(mask[mask > 0], 1 / (1 - RATE), rtol=1e-6)


def trained(rate=RATE):
    layers = [
        Bidirectional(LSTM(4, return_sequences=True, weight_drop=rate), input_shape=(7, 3)),
        GRU(4, return_sequences=True, weight_drop=rate),
        SimpleRNN(4, weight_drop=rate),
        Dense(1),
    ]
    model = Sequential(layers, seed=1)
    model.compile("adam", "mse")
    model.fit(X, Y, batch_size=2, epochs=2, verbose=0)
    return [value.tobytes() for value in model.get_weights()]


def test_the_same_seed_gives_the_same_bits_at_any_number_of_threads(threads_restored):
    seen = []
    for threads in (1, 2, 3):
        tg.set_num_threads(threads)
        seen.append(trained())
    assert seen[0] == seen[1] == seen[2] != trained(0.0)


def test_weight_drop_is_saved(tmp_path):
    model = Sequential([GRU(4, weight_drop=0.25, input_shape=(7, 3)), Dense(1)])
    model.save(tmp_path / "m.safetensors")
    assert tg.load(tmp_path / "m.safetensors").layers[0].noise.weight_drop == 0.25
    assert "weight_drop" not in GRU(4).get_config()


@pytest.mark.parametrize("rate", [-0.1, 1.0, np.nan])
def test_rates_that_cannot_be(rate):
    with pytest.raises(ValueError, match=r"LSTM: weight_drop is .*; expected a finite number >= 0"):
        LSTM(2, weight_drop=rate)
