"""Stream: one step at a time equals the whole sequence, and bad input leaves the state alone."""

import threading

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, Masking, SimpleRNN
from tidegate.models import Sequential
from tolerances import assert_forward_close

STEPS, BATCH, INPUTS = 12, 3, 5


def sequence(dtype="float32"):
    rng = np.random.default_rng(7)
    return rng.normal(size=(BATCH, STEPS, INPUTS)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])
@pytest.mark.parametrize("units", [1, 10, 33])
def test_stream_of_a_layer_gives_the_bits_of_the_sequence(kind, units, dtype):
    layer = kind(units, return_sequences=True, dtype=dtype)
    x = sequence(dtype)
    y = layer(x)
    stream = tg.Stream(layer, batch_size=BATCH)
    for t in range(STEPS):
        np.testing.assert_array_equal(stream.step(x[:, t]), y[:, t])


@pytest.mark.parametrize("options", [{"reset_after": False}, {"update": "replace"}])
def test_stream_follows_the_options_of_the_cell(options):
    layer = GRU(9, return_sequences=True, **options)
    x = sequence()
    y = layer(x)
    stream = tg.Stream(layer, batch_size=BATCH)
    got = np.stack([stream.step(x[:, t]).copy() for t in range(STEPS)], axis=1)
    np.testing.assert_array_equal(got, y)


@pytest.mark.parametrize("projection", [None, 7])
def test_stream_of_full_peepholes_gives_the_bits_of_the_sequence(projection):
    layer = LSTM(20, peephole="full", projection=projection, return_sequences=True)
    x = sequence()
    y = layer(x)
    stream = tg.Stream(layer, batch_size=BATCH)
    for t in range(STEPS):
        np.testing.assert_array_equal(stream.step(x[:, t]), y[:, t])


def test_stream_of_a_stacked_model_predicts_from_every_prefix():
    model = Sequential(
        [
            LSTM(8, return_sequences=True, input_shape=(None, INPUTS)),
            Dropout(0.5),
            GRU(6),
            Dense(2),
        ]
    )
    model.compile(optimizer="adam", loss="mse")
    x = sequence()
    stream = tg.Stream(model, batch_size=BATCH)
    for t in range(STEPS):
        y = stream.step(x[:, t])
        np.testing.assert_allclose(y, model.predict(x[:, : t + 1], verbose=0), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("head", ["float32", "float64"])
def test_stream_computes_in_the_dtypes_of_the_model(head):
    """Dropout in front made float32 of everything."""
    gru = GRU(4, return_sequences=True, dtype="float64")
    model = Sequential([Dropout(0.5), gru, Dense(2, dtype=head)])
    x = sequence("float64")
    expected = model.predict(x)
    stream = tg.Stream(model, batch_size=BATCH)
    got = np.stack([stream.step(x[:, t]).copy() for t in range(STEPS)], axis=1)
    assert got.dtype == expected.dtype == head
    assert_forward_close(got, expected)


def test_stream_reads_tokens_through_an_embedding():
    model = Sequential([Embedding(10, 4, input_shape=(None,)), LSTM(5)])
    tokens = np.random.default_rng(0).integers(10, size=(2, 6))
    stream = tg.Stream(model, batch_size=2)
    for t in range(6):
        y = stream.step(tokens[:, t])
    np.testing.assert_allclose(y, model.predict(tokens, verbose=0), rtol=1e-6, atol=1e-7)
    with pytest.raises(ValueError, match="10"):
        stream.step([3, 10])


def test_stream_reset_starts_again():
    layer = LSTM(7)
    x = sequence()
    layer(x)
    stream = tg.Stream(layer, batch_size=BATCH)
    first = stream.step(x[:, 0]).copy()
    stream.step(x[:, 1])
    stream.reset()
    np.testing.assert_array_equal(stream.step(x[:, 0]), first)


def test_reset_of_some_streams_leaves_the_others():
    layer = LSTM(4, return_sequences=True)
    x = sequence()
    layer(x)
    stream = tg.Stream(layer, batch_size=BATCH)
    for t in range(4):
        stream.step(x[:, t])
    stream.reset([0, 2])
    for t in range(4, STEPS):
        y = stream.step(x[:, t])
    np.testing.assert_array_equal(y[1], layer(x)[1, -1])
    np.testing.assert_array_equal(y[::2], layer(x[:, 4:])[::2, -1])
    stream.reset(1)
    assert not any(np.any(part[1]) for part in stream.state[0])
    stream.reset([])
    assert np.all(stream.state[0][0][0])
    for rows in (3, [0, -1]):
        with pytest.raises(ValueError, match=r"Stream.reset: rows is .*; expected 0..2"):
            stream.reset(rows)
    for rows in ("a", [0.5], [True], [[0], [1, 2]]):
        with pytest.raises(TypeError, match=r"Stream.reset: rows is .*numbers of streams"):
            stream.reset(rows)
    assert np.all(stream.state[0][0][0])


def test_stream_state_is_live():
    weights = tg.CellWeights("rnn", np.ones((1, 1)), np.ones((1, 1)), activation="linear")
    stream = tg.Stream(weights)
    stream.state[0][0][...] = 5.0
    assert stream.step([[1.0]])[0, 0] == 6.0


def test_stream_sees_weights_that_changed():
    layer = GRU(4)
    x = sequence()
    layer(x)
    stream = tg.Stream(layer, batch_size=BATCH)
    layer.set_weights([w * 0.5 for w in layer.get_weights()])
    np.testing.assert_array_equal(stream.step(x[:, 0]), layer(x[:, :1]))


@pytest.mark.parametrize(
    ("x_t", "error", "match"),
    [
        (
            np.zeros((BATCH, INPUTS + 1), "f4"),
            ValueError,
            r"x_t has shape \(3, 6\); expected \(3, 5\)",
        ),
        (np.full((BATCH, INPUTS), np.nan, "f4"), ValueError, "x_t has NaN or inf"),
        (np.full((BATCH, INPUTS), -np.inf), ValueError, "x_t has NaN or inf"),
        (np.zeros((BATCH, INPUTS), complex), TypeError, "x_t has dtype complex128"),
        (np.full((BATCH, INPUTS), "a"), TypeError, "x_t has dtype <U1"),
        (np.full((BATCH, INPUTS), 1e300), ValueError, "x_t has NaN or inf"),
        (np.ma.masked_less(np.zeros((BATCH, INPUTS)), 1), TypeError, "x_t is a masked array"),
    ],
)
def test_stream_refuses_bad_input_and_keeps_its_state(x_t, error, match):
    layer = LSTM(6)
    x = sequence()
    layer(x)
    stream = tg.Stream(layer, batch_size=BATCH)
    stream.step(x[:, 0])
    before = [array.copy() for array in stream.state[0]]
    with pytest.raises(error, match=match):
        stream.step(x_t)
    for array, kept in zip(stream.state[0], before, strict=True):
        np.testing.assert_array_equal(array, kept)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: tg.Stream(Dense(2)), RuntimeError, "not built"),
        (lambda: tg.Stream(Sequential([Dense(2, input_shape=(3,))])), ValueError, "no recurrent"),
        (lambda: tg.Stream(LSTM(2)), RuntimeError, "not built"),
        (lambda: tg.Stream(3), TypeError, "layer_or_model is int"),
        (lambda: tg.Stream(Sequential([LSTM(2)])), RuntimeError, "not built"),
        (
            lambda: tg.Stream(Sequential([Bidirectional(LSTM(2), input_shape=(4, 3))])),
            ValueError,
            "from the future to the past",
        ),
        (lambda: tg.Stream(Sequential([Masking(input_shape=(4, 3)), LSTM(2)])), ValueError, "mask"),
    ],
)
def test_stream_refuses_what_cannot_stream(make, error, match):
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, True])
def test_stream_refuses_a_bad_batch_size(batch_size):
    weights = tg.CellWeights("rnn", np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(ValueError, match="batch_size"):
        tg.Stream(weights, batch_size)


def test_stream_stepped_by_two_threads_at_once_is_refused_or_right():
    weights = tg.CellWeights("lstm", np.zeros((2048, 512), "f4"), np.zeros((2048, 512), "f4"))
    stream = tg.Stream(weights, batch_size=64)
    x = np.ones((64, 512), "f4")
    refused = []

    def work():
        for _ in range(30):
            try:
                stream.step(x)
            except RuntimeError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("one Stream per thread" in message for message in refused)
    assert np.isfinite(stream.step(x)).all()


@pytest.mark.parametrize(
    ("x", "error", "match"),
    [
        ([np.ma.masked_all(1)], TypeError, "x_t is a masked array"),
        ([[1.0], [1.0, 2.0]], ValueError, "x_t cannot be made an array"),
        ([["a"]], TypeError, "x_t has dtype"),
        (None, TypeError, "x_t is of type NoneType"),
    ],
)
def test_stream_refuses_what_is_no_array_of_numbers(x, error, match):
    stream = tg.Stream(tg.CellWeights("rnn", np.ones((1, 1)), np.ones((1, 1))))
    with pytest.raises(error, match=f"Stream.step: {match}"):
        stream.step(x)


def test_stream_of_absurd_size():
    with pytest.raises(MemoryError):
        tg.Stream(tg.CellWeights("rnn", np.ones((1, 1)), np.ones((1, 1))), batch_size=2**62)


def test_stream_of_layers_that_are_none():
    class Fake:
        layers = (1,)

    with pytest.raises(RuntimeError, match="Stream: the model is not built"):
        tg.Stream(Fake())
