"""recompute_every of layers: models train to the same bits, and keep the option."""

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import GRU, GRUD, LSTM, Bidirectional, Dense, SimpleRNN
from tidegate.models import Sequential

CHANGES = {
    "lstm": lambda k: [LSTM(6, recompute_every=k), Dense(2)],
    "gru backwards": lambda k: [GRU(6, go_backwards=True, recompute_every=k), Dense(2)],
    "stack": lambda k: [
        LSTM(6, return_sequences=True, projection=3, recompute_every=k),
        GRU(5, return_sequences=True, recompute_every=k),
        SimpleRNN(4, recompute_every=k),
        Dense(2),
    ],
    "stack of others": lambda k: [
        LSTM(6, return_sequences=True, recompute_every=k),
        GRU(5, return_sequences=True),
        SimpleRNN(4, recompute_every=k and k + 1),
        Dense(2),
    ],
    "bidirectional": lambda k: [Bidirectional(LSTM(4, recompute_every=k)), Dense(2)],
    "one direction": lambda k: [
        Bidirectional(LSTM(4, recompute_every=k), backward_layer=LSTM(4, go_backwards=True)),
        Dense(2),
    ],
    "noise": lambda k: [
        GRU(6, dropout=0.2, recurrent_dropout=0.3, weight_drop=0.1, recompute_every=k),
        Dense(2),
    ],
    "zoneout": lambda k: [LSTM(6, zoneout=0.3, stateful=True, recompute_every=k), Dense(2)],
    "grud": lambda k: [GRUD(6, recompute_every=k), Dense(2)],
}


def trained(layers, mask):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, 9, 3)), rng.standard_normal((8, 2))
    model = Sequential(layers, seed=0)
    model.compile("adam", "mse")
    model.fit(x[:4], y[:4], epochs=1, batch_size=4, shuffle=False, verbose=0, seed=1)
    lengths = {"lengths": [9, 2, 9, 5, 1, 9, 3, 7]} if mask else {}
    model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0, seed=1, **lengths)
    return model


@pytest.mark.parametrize("mask", [False, True], ids=["plain", "lengths"])
@pytest.mark.parametrize("name", CHANGES)
def test_training_has_the_same_bits(name, mask):
    plain, recomputed = (trained(CHANGES[name](k), mask) for k in (None, 2))
    for got, expected in zip(recomputed.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_the_option_is_saved_with_a_model(tmp_path):
    model = Sequential([LSTM(4, recompute_every=5, input_shape=(9, 3)), Dense(2)])
    model.save(tmp_path / "m.safetensors")
    loaded = tg.load(tmp_path / "m.safetensors")
    assert loaded.layers[0].recompute_every == 5
    assert "recompute_every" not in LSTM(4).get_config()


def test_numbers_of_steps_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="GRU: recompute_every is 0; expected an integer >= 1"):
        GRU(4, recompute_every=0)
    with pytest.raises(TypeError, match=r"LSTM: recompute_every is 2.5, a float; expected an int"):
        LSTM(4, recompute_every=2.5)
