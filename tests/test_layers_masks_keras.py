"""Layers with masks beside Keras 3's: gaps, padding on either side, rows without a valid step."""

import itertools

import numpy as np
import pytest

from keras_peer import keras, keras_layer, weights_of
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Embedding, Input, Masking, SimpleRNN
from tidegate.models import Sequential
from tolerances import BETWEEN_ENGINES, assert_forward_close

# Keras on TensorFlow makes arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
RNG = np.random.default_rng(8)
T, F, H = 5, 3, 4
MASK = np.array(
    [
        [1, 1, 1, 1, 1],
        [1, 1, 0, 0, 0],  # padding after
        [0, 0, 1, 1, 1],  # padding before
        [1, 0, 1, 0, 1],  # gaps
        [0, 0, 0, 0, 0],
        [0, 1, 0, 1, 0],
    ],
    bool,
)
X = RNG.standard_normal((len(MASK), T, F)).astype("f4")
KINDS = (LSTM, GRU, SimpleRNN)
FLAGS = list(itertools.product((False, True), repeat=3))


def states(count):
    return [RNG.standard_normal((len(X), H)).astype("f4") for _ in range(count)]


def assert_like_keras(ours, layer, x, **options):
    theirs = keras_layer(layer)
    theirs.build(x.shape)
    theirs.set_weights(weights_of(layer))
    expected = theirs(x, **options)
    for k, (one, other) in enumerate(zip(ours, expected, strict=True)):
        assert_forward_close(one, np.asarray(other), f"output {k}", BETWEEN_ENGINES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("sequences", "backwards", "with_state"), FLAGS)
def test_recurrent(kind, sequences, backwards, with_state):
    layer = kind(H, return_sequences=sequences, go_backwards=backwards, return_state=True)
    state = states(len(layer.state_names)) if with_state else None
    ours = layer(X, state, mask=MASK)
    assert_like_keras(ours, layer, X, initial_state=state, mask=MASK)
    if sequences and not backwards:  # the output before is repeated
        np.testing.assert_array_equal(ours[0][1, 2:], ours[0][1, [1, 1, 1]])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backwards", [False, True])
def test_zero_output_for_mask(kind, backwards):
    layer = kind(
        H,
        return_sequences=True,
        go_backwards=backwards,
        zero_output_for_mask=True,
        return_state=True,
    )
    ours = layer(X, mask=MASK)
    assert_like_keras(ours, layer, X, mask=MASK)
    shown = MASK[:, ::-1] if backwards else MASK
    assert (ours[0][~shown] == 0).all()
    assert (ours[0][shown] != 0).all()


def test_zero_output_for_mask_speaks_of_sequences_only():
    # Keras documents this, and returns 0 for every sequence whose last step is masked.
    layer = LSTM(H, zero_output_for_mask=True)
    np.testing.assert_array_equal(layer(X, mask=MASK), layer(X, mask=MASK, initial_state=None))
    assert (layer(X, mask=MASK)[[1, 5]] != 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("sequences", "with_state", "zero"), FLAGS)
def test_bidirectional(kind, sequences, with_state, zero):
    inner = kind(H, return_sequences=sequences, return_state=True, zero_output_for_mask=zero)
    layer = Bidirectional(inner)
    state = states(2 * len(inner.state_names)) if with_state else None
    assert_like_keras(layer(X, state, mask=MASK), layer, X, initial_state=state, mask=MASK)


PADDED = np.where(MASK[..., None], X, np.float32(-1.5))
TOKENS = np.where(MASK, RNG.integers(1, 9, MASK.shape), 0)
STACKS = {
    "masking": [Input((T, F)), Masking(-1.5), LSTM(H), Dense(2)],
    "sequences": [
        Input((T, F)), Masking(-1.5), Dense(4), GRU(H, return_sequences=True), LSTM(H), Dense(1),
    ],
    "three, hold": [
        Input((T, F)), Masking(-1.5), LSTM(3, return_sequences=True),
        GRU(H, return_sequences=True), SimpleRNN(5, return_sequences=True), Dense(2),
    ],
    "tokens": [
        Input((T,)), Embedding(9, 4, mask_zero=True), Bidirectional(GRU(3, return_sequences=True)),
        LSTM(H, return_sequences=True, zero_output_for_mask=True), Dense(2),
    ],
    "directions": [
        Input((T, F)), Masking(-1.5), Bidirectional(LSTM(3, return_sequences=True)),
        Bidirectional(GRU(3)), Dense(2),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_stacks_of_layers(name):
    from keras_peer import twin

    model = Sequential(STACKS[name], seed=4)
    x = TOKENS if name == "tokens" else PADDED
    copy = twin(model)
    ours, theirs = model.predict(x), copy.predict(x, verbose=0)
    assert_forward_close(ours, theirs, name, BETWEEN_ENGINES)


def test_masking_marks_the_steps_that_keras_marks():
    x = PADDED.copy()
    x[0, 0, 1:] = -1.5  # one feature differs: the step counts
    layer, theirs = Masking(-1.5), keras.layers.Masking(-1.5)
    np.testing.assert_array_equal(layer(x), np.asarray(theirs(x)))
    np.testing.assert_array_equal(layer.output_mask(x, None), np.asarray(theirs.compute_mask(x)))


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 1, 3, 9])
def test_pad_sequences(padding, truncating, maxlen):
    from tidegate.sequences import pad_sequences

    rng = np.random.default_rng(2)
    lists = [list(rng.integers(1, 9, n)) for n in (4, 0, 2, 7, 1)]
    vectors = [rng.standard_normal((n, 2)) for n in (3, 5, 1)]
    options = {"maxlen": maxlen, "padding": padding, "truncating": truncating}
    for sequences, more in (
        (lists, {}),
        (lists, {"value": 7, "dtype": "float64"}),
        (vectors, {}),  # to int32, Keras's default
        (vectors, {"dtype": "float32", "value": -1.0}),
        ([list("abc"), ["d"]], {"dtype": object, "value": "-"}),
    ):
        ours = pad_sequences(sequences, **options, **more)
        theirs = keras.utils.pad_sequences(sequences, **options, **more)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
