"""Masks through layers: lengths, gaps, lists of sequences, NaN in padding, errors, saved models."""

import numpy as np
import pytest

import tidegate as tg
from engine_runs import refuses
from tidegate.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Input,
    Layer,
    Masking,
    SimpleRNN,
)
from tidegate.models import Sequential
from tidegate.sequences import from_ragged

RNG = np.random.default_rng(11)
LENGTHS = np.array([5, 1, 0, 3, 5, 2])
RAGGED = [RNG.standard_normal((n, 3)).astype("f4") for n in LENGTHS]
X = from_ragged(RAGGED)[0]
MASK = np.arange(5) < LENGTHS[:, None]
KINDS = [
    lambda **options: LSTM(4, **options),
    lambda **options: LSTM(4, peephole="diagonal", **options),
    lambda **options: GRU(4, **options),
    lambda **options: SimpleRNN(4, **options),
    lambda **options: Bidirectional(GRU(4, **options)),
]


def same(one, other):
    np.testing.assert_array_equal(np.asarray(one).view("u4"), np.asarray(other).view("u4"))


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("make", KINDS)
def test_four_ways_to_say_which_steps_count(make, sequences):
    layer = make(return_sequences=sequences)
    expected = layer(X, lengths=LENGTHS)
    same(layer(X, mask=MASK), expected)
    same(layer(RAGGED), expected)
    model = Sequential([Input((5, 3)), Masking(), make(return_sequences=sequences)])
    model.layers[1].set_weights(layer.get_weights())
    same(model.predict(X), expected)


@pytest.mark.parametrize("make", KINDS)
def test_a_sequence_gives_the_bits_that_it_gives_alone(make):
    last, every = make(), make(return_sequences=True, zero_output_for_mask=True)
    last(X)
    every(X)
    every.set_weights(last.get_weights())
    ends, outputs = last(RAGGED), every(RAGGED)
    for k, sequence in enumerate(RAGGED):
        if len(sequence):
            same(ends[k], last(sequence[None])[0])
            same(outputs[k, : len(sequence)], every(sequence[None])[0])
        else:
            assert not ends[k].any()
        assert not outputs[k, len(sequence) :].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("make", KINDS)
def test_what_a_mask_hides_is_never_read(make, bad):
    hidden = np.where(MASK[..., None], X.astype("f8"), bad)
    layer = make(return_sequences=True)
    expected = layer(X, mask=MASK)
    same(layer(hidden, mask=MASK), expected)
    same(layer(hidden, lengths=LENGTHS), expected)
    model = Sequential([Input((5, 3)), Dense(4), make(), Dense(2)], seed=1)
    same(model.predict(hidden, mask=MASK), model.predict(X, mask=MASK))


@pytest.mark.parametrize("call", ["layer", "model"])
def test_nan_at_a_step_that_counts_is_refused(call):
    x = X.copy()
    x[3, 1, 2] = np.nan
    run = LSTM(4) if call == "layer" else Sequential([Input((5, 3)), LSTM(4)]).predict
    for options in ({}, {"mask": MASK}, {"lengths": LENGTHS}):
        with refuses(ValueError, "nan at index (3, 1, 2)", "fill the gaps", "lengths= or mask="):
            run(x, **options)


def test_masks_go_on_with_the_axis_of_steps():
    x = np.zeros((6, 5, 3), "f4")
    for layer, expected in (
        (Dense(2), MASK),
        (Dropout(0.5), MASK),
        (LSTM(2, return_sequences=True), MASK),
        (Bidirectional(GRU(2, return_sequences=True)), MASK),
        # Keras leaves the mask in the order of x, though the outputs are in the other one.
        (GRU(2, return_sequences=True, go_backwards=True), MASK[:, ::-1]),
        (LSTM(2), None),
        (Bidirectional(GRU(2)), None),
    ):
        layer(x)
        passed = layer.output_mask(x, MASK)
        np.testing.assert_array_equal(passed, expected)
        assert layer.output_mask(x, None) is None


def test_a_mask_follows_its_steps_backwards():
    """GRU backwards, then an LSTM over its reversed outputs: as if each sequence were alone."""
    layers = [Input((None, 3)), GRU(4, return_sequences=True, go_backwards=True), LSTM(3)]
    model = Sequential(layers, seed=2)
    together = model.predict(RAGGED)
    for k, sequence in enumerate(RAGGED):
        if len(sequence):
            np.testing.assert_array_equal(together[k], model.predict(sequence[None])[0])


class Mean(Layer):
    """A user's layer that knows nothing of masks and takes the axis of steps away."""

    def _declare(self, input_shape):
        return (), input_shape[1:]

    def forward(self, x, *, training=False, rng=None, mask=None):
        return x.mean(axis=1), None


def test_the_mask_ends_where_the_steps_do():
    model = Sequential([Input((5, 3)), Mean(), Dense(2)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.evaluate(X, np.zeros((6, 2)), mask=MASK))


def test_masking_and_a_given_mask_both_count():
    x = X.copy()
    x[0, 2] = 0
    layer = Masking()
    both = layer.output_mask(x, MASK)
    np.testing.assert_array_equal(both, MASK & (x != 0).any(axis=-1))
    assert not both[0, 2]


def test_masking_by_a_value_that_the_dtype_cannot_hold_excludes_nothing():
    np.testing.assert_array_equal(Masking(mask_value=1e300)(np.ones((1, 2, 3), "f4")), 1)


def test_mask_zero():
    tokens = [[1, 2, 3], [4], [], [5, 6]]
    padded, lengths = from_ragged(tokens)
    embedding = Embedding(7, 3, mask_zero=True)
    model = Sequential([Input((None,)), embedding, GRU(4)], seed=0)
    expected = model.layers[1](embedding(padded), lengths=lengths)
    same(model.predict(padded), expected)
    same(model.predict(tokens), expected)
    plain = Sequential([Input((None,)), Embedding(7, 3), GRU(4)])
    plain.set_weights(model.get_weights())
    same(plain.predict(tokens), expected)  # a list of sequences says it, too
    hidden = from_ragged(tokens, value=-100)[0]
    same(plain.predict(hidden, lengths=lengths), expected)
    assert (plain.predict(padded) != expected).any()


def test_float64_and_other_dtypes():
    layer = LSTM(4, dtype="float64")
    np.testing.assert_array_equal(layer(X, lengths=LENGTHS), layer(X.astype("f8"), mask=MASK))
    assert layer(RAGGED).dtype == np.float64
    whole = np.arange(30).reshape(2, 5, 3)
    assert np.isfinite(LSTM(2)(whole, lengths=[2, 0])).all()


def test_saved_models_keep_what_they_mask(tmp_path):
    pytest.importorskip("safetensors")
    model = Sequential(
        [
            Input((5, 3)),
            Masking(-7.5),
            Bidirectional(LSTM(3, return_sequences=True)),
            GRU(4, return_sequences=True, zero_output_for_mask=True),
            Dense(2),
        ],
        seed=3,
    )
    x = np.where(MASK[..., None], X, np.float32(-7.5))
    model.save(tmp_path / "m.safetensors")
    again = tg.load(tmp_path / "m.safetensors")
    assert [layer.get_config() for layer in again.layers] == [
        layer.get_config() for layer in model.layers
    ]
    same(again.predict(x), model.predict(x))
    tokens = Sequential([Input((4,)), Embedding(5, 3, mask_zero=True), LSTM(2)])
    tokens.save(tmp_path / "t.safetensors")
    assert tg.load(tmp_path / "t.safetensors").layers[0].mask_zero


MODEL = Sequential([Input((5, 3)), LSTM(4)])


@pytest.mark.parametrize(
    ("options", "kind", "parts"),
    [
        ({"lengths": LENGTHS, "mask": MASK}, ValueError, ["lengths and mask are given", "one"]),
        ({"lengths": LENGTHS + 0.0}, TypeError, ["lengths has dtype float64", "integers"]),
        ({"lengths": LENGTHS[:3]}, ValueError, ["lengths has shape (3,)", "(6,)"]),
        ({"lengths": LENGTHS - 1}, ValueError, ["lengths[2] is -1", "0..5, the number of steps"]),
        ({"lengths": LENGTHS + 1}, ValueError, ["lengths[0] is 6", "0..5"]),
        ({"lengths": 5}, ValueError, ["lengths has shape ()", "(6,)"]),
        ({"mask": MASK.astype(int)}, TypeError, ["mask has dtype int64", "astype(bool)"]),
        ({"mask": MASK.T}, ValueError, ["mask has shape (5, 6)", "(6, 5) = (B, T)"]),
        ({"mask": MASK[..., None]}, ValueError, ["mask has shape (6, 5, 1)", "(6, 5)"]),
        ({"mask": np.ma.array(MASK)}, TypeError, ["mask is a masked array"]),
    ],
)
@pytest.mark.parametrize("call", [LSTM(4), MODEL.predict, MODEL], ids=["layer", "predict", "model"])
def test_bad_masks(call, options, kind, parts):
    with refuses(kind, *parts):
        call(X, **options)


@pytest.mark.parametrize(
    ("call", "kind", "parts"),
    [
        (
            lambda: LSTM(4)(RAGGED, lengths=LENGTHS),
            ValueError,
            ["lengths is given and x is a list"],
        ),
        (lambda: LSTM(4)(RAGGED, mask=MASK), ValueError, ["mask is given and x is a list"]),
        (lambda: LSTM(4)(np.zeros(3), lengths=[1]), ValueError, ["x has shape (3,)", "(N, steps,"]),
        (lambda: Dense(2)(X[:, 0], mask=MASK[:, :3]), ValueError, ["(6, 3) and comes with"]),
        (lambda: LSTM(4)([X[0], X[1, :, :2]]), ValueError, ["cannot be made an array"]),
        (lambda: LSTM(4)([X[0], X[1, :2, :2]]), ValueError, ["sequences[1] has shape (2, 2)"]),
        (lambda: LSTM(4)([[[1.0]], [["a"]] * 2]), TypeError, ["sequences[1] has dtype <U1"]),
        (lambda: Masking("0"), TypeError, ["Masking: mask_value is '0'", "a number"]),
        (lambda: Masking(np.nan), ValueError, ["mask_value is nan", "np.isnan(x)"]),
        (lambda: Masking()(np.zeros((2, 3))), ValueError, ["masking: the input", "(N, steps, fe"]),
        (lambda: Embedding(3, 2, mask_zero=1), TypeError, ["mask_zero is 1", "True or False"]),
        (
            lambda: Embedding(3, 2, mask_zero=True)(np.zeros((2, 3, 4), int)),
            ValueError,
            ["embedding: the input has shape", "(N, steps)", "mask_zero=True"],
        ),
        (lambda: LSTM(4, zero_output_for_mask=None), TypeError, ["zero_output_for_mask is None"]),
    ],
)
def test_bad_input(call, kind, parts):
    with refuses(kind, *parts):
        call()
