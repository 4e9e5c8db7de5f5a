"""dropout, recurrent_dropout and zoneout of the recurrent layers."""

import numpy as np
import pytest

import tidegate
from numeric_gradient import numeric_slope
from tidegate import Stream, functional
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN
from tidegate.layers.run_mode import RunMode
from tidegate.models import Sequential
from tolerances import DIFFERENCE

NOISE = {"dropout": 0.3, "recurrent_dropout": 0.4, "zoneout": 0.2, "weight_drop": 0.25}
LAYERS = {
    "lstm": lambda **options: LSTM(5, **options),
    "lstm peephole": lambda **options: LSTM(5, peephole="full", **options),
    "gru": lambda **options: GRU(5, **options),
    "gru before": lambda **options: GRU(5, reset_after=False, **options),
    "rnn": lambda **options: SimpleRNN(5, **options),
    "both ways": lambda **options: Bidirectional(GRU(5, **options)),
    "both ways, mul": lambda **options: Bidirectional(LSTM(5, **options), "mul"),
}
X = np.random.default_rng(1).standard_normal((3, 6, 4))


def built(make, **options):
    layer = make(dtype="float64", **options)
    layer.build((6, 4), np.random.default_rng(0))
    return layer


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_match_finite_differences_under_the_same_noise(name, return_sequences):
    layer = built(LAYERS[name], return_sequences=return_sequences, **NOISE)
    x = X.copy()
    y, saved = layer.forward(x, training=True, rng=rng())
    dy = np.random.default_rng(2).standard_normal(y.shape)
    dx = layer.backward(saved, dy)

    def loss():
        layer.weights_changed()
        return np.sum(layer.forward(x, training=True, rng=rng())[0] * dy)

    pairs = [("x", x, dx)] + [(p.name, p.value, p.grad.copy()) for p in layer.parameters]
    largest = max(np.max(np.abs(gradient)) for _, _, gradient in pairs)
    for what, array, gradient in pairs:
        for index in list(np.ndindex(array.shape))[::7]:
            atol = DIFFERENCE[np.dtype(np.float64)] * largest
            slope = numeric_slope(array, index, loss)
            np.testing.assert_allclose(slope, gradient[index], rtol=0, atol=atol, err_msg=what)


def test_masks_are_constant_over_time_and_scaled_up_and_zoneout_is_not():
    layer = built(LAYERS["gru"], **NOISE)
    drawn = layer.noise.draw((4000, 6, 4), (15, 5), 3, np.dtype("f8"), RunMode(True, rng=rng()))
    assert drawn.input_mask.shape == (4000, 1, 4)
    assert drawn.recurrent_scale.shape == (3, 4000, 5)
    assert drawn.state_keep.shape == (4000, 6, 5)
    assert set(np.unique(drawn.input_mask)) == {0, 1 / 0.7}
    assert set(np.unique(drawn.recurrent_scale)) == {0, 1 / 0.6}
    assert set(np.unique(drawn.state_keep)) == {0, 1}
    for mask, mean in ((drawn.input_mask, 1), (drawn.recurrent_scale, 1), (drawn.state_keep, 0.2)):
        assert abs(mask.mean() - mean) < 5 * mask.std() / np.sqrt(mask.size)
    gates = drawn.recurrent_scale
    assert not (gates[0] == gates[1]).all()  # one mask per gate, as in Keras


@pytest.mark.parametrize("name", LAYERS)
def test_inference_has_no_dropout_and_the_expectation_of_zoneout(name):
    plain, noisy = (built(LAYERS[name], **options) for options in ({}, NOISE))
    no_zoneout = built(LAYERS[name], dropout=0.3, recurrent_dropout=0.4)
    np.testing.assert_array_equal(no_zoneout(X), plain(X))
    if name.startswith("both"):
        return
    expected = functional.rnn_forward(plain.cell_weights, X, batch_first=True, state_keep=0.2)
    np.testing.assert_array_equal(noisy(X), expected.y[:, -1])


@pytest.mark.parametrize("name", ["lstm", "gru", "gru before", "rnn"])
def test_a_stream_has_the_expectation_of_zoneout(name):
    layer = built(LAYERS[name], return_sequences=True, **NOISE)
    stream = Stream(layer, batch_size=3)
    steps = [stream.step(np.ascontiguousarray(X[:, t])).copy() for t in range(6)]
    np.testing.assert_array_equal(np.stack(steps, axis=1), layer(X))


@pytest.mark.usefixtures("threads_restored")
def test_training_gives_the_same_bits_from_the_seed_at_any_thread_count():
    x = np.random.default_rng(3).standard_normal((24, 7, 4)).astype("f4")
    y = x[:, -1, :1]
    weights = []
    for threads in (1, 2, 3, 1):
        tidegate.set_num_threads(threads)
        model = Sequential(seed=5)
        model.add(LSTM(33, return_sequences=True, input_shape=(7, 4), **NOISE))
        model.add(Bidirectional(GRU(17, return_sequences=True, **NOISE)))
        model.add(SimpleRNN(9, **NOISE))
        model.add(Dense(1))
        model.compile(optimizer="adam", loss="mse")
        history = model.fit(x, y, epochs=3, batch_size=8, verbose=0)
        assert np.isfinite(history.history["loss"]).all()
        weights.append(model.get_weights())
    for other in weights[1:]:
        for a, b in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_noise_is_saved_with_the_model(tmp_path):
    model = Sequential([LSTM(3, input_shape=(6, 4), **NOISE), Dense(1)])
    model.compile(loss="mse")
    model.build((6, 4))
    model.save(tmp_path / "m.safetensors")
    loaded = tidegate.load(tmp_path / "m.safetensors")
    config = loaded.layers[0].get_config()
    assert {name: config[name] for name in NOISE} == NOISE
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize("name", NOISE)
@pytest.mark.parametrize("rate", [1.0, -0.1, np.nan])
def test_rates_outside_0_to_1_are_refused(name, rate):
    with pytest.raises(ValueError, match=rf"GRU: {name} is .*; expected a finite number >= 0 and"):
        GRU(3, **{name: rate})


def test_a_rate_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match=r"LSTM: zoneout is 'half'.*expected a number"):
        LSTM(3, zoneout="half")
