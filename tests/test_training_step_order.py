"""Masks of outputs in reversed order: targets are hidden, and cut, where the output's steps are."""

import numpy as np
import pytest

from engine_runs import refuses
from tidegate.layers import GRU, LSTM, Add, Bidirectional, Concatenate, Dense, Input, Masking
from tidegate.models import Model, Sequential
from tidegate.training.optimizers import SGD
from tolerances import KERAS_STEPS

RNG = np.random.default_rng(8)
LENGTHS = np.array([1, 2, 3, 3, 2, 1])
X, Y = RNG.standard_normal((6, 8, 3)), RNG.standard_normal((6, 8, 1))
VALID = np.arange(8) < LENGTHS[:, None]
BACKWARDS = {"return_sequences": True, "go_backwards": True}


def make(*layers):
    layers = layers or (GRU(4, **BACKWARDS),)
    model = Sequential([Input((None, 3)), *layers, Dense(1)], seed=0)
    model.compile(SGD(1e-30), "mse", ["mae"])
    return model


LAYERS = {
    "plain": (lambda: [GRU(4, **BACKWARDS)], True),
    "masking": (lambda: [Masking(), GRU(4, **BACKWARDS)], True),
    "twice": (lambda: [GRU(4, **BACKWARDS), LSTM(4, **BACKWARDS)], False),
    "below": (lambda: [LSTM(4, **BACKWARDS), Bidirectional(GRU(2, return_sequences=True))], True),
}


@pytest.mark.parametrize("how", ["lengths", "mask", "gaps"])
@pytest.mark.parametrize("name", LAYERS)
def test_targets_count_where_the_output_does(name, how):
    layers, is_reversed = LAYERS[name]
    valid = VALID if how != "gaps" else RNG.random((6, 8)) < 0.6
    options = {"lengths": LENGTHS} if how == "lengths" else {"mask": valid}
    model = make(*layers())
    counts = valid[:, ::-1] if is_reversed else valid
    expected = ((model.predict(X, **options) - Y)[counts] ** 2).mean()
    hidden = np.where(counts[..., None], Y, np.nan)
    for y in (Y, hidden):
        np.testing.assert_allclose(model.evaluate(X, y, **options)[0], expected, **KERAS_STEPS)
        (loss,) = model.fit(X, y, verbose=0, **options).history["loss"]
        np.testing.assert_allclose(loss, expected, **KERAS_STEPS)
    with refuses(ValueError, "evaluate: y has the value nan"):
        model.evaluate(X, np.where(counts[..., None], np.nan, Y), **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_buckets_cut_targets_where_the_output_is_cut(name, weighted):
    layers, is_reversed = LAYERS[name]
    options = {"lengths": LENGTHS, "batch_size": 2}
    if weighted:
        options["sample_weight"] = RNG.uniform(0.5, 2, (6, 8))
    model = make(*layers())
    options["batch_size"] = 1
    expected = model.evaluate(X, Y, **options)[0]
    (loss,) = model.fit(X, Y, verbose=0, bucket_by_length=True, **options).history["loss"]
    np.testing.assert_allclose(loss, expected, **KERAS_STEPS)
    ragged = [x[:n] for x, n in zip(X, LENGTHS, strict=True)]
    rows = [y[-n:] if is_reversed else y[:n] for y, n in zip(Y, LENGTHS, strict=True)]
    if not weighted:
        np.testing.assert_allclose(
            model.evaluate(ragged, rows, batch_size=1)[0], expected, **KERAS_STEPS
        )


def graph(join, backwards):
    x = Input((None, 3))
    h = GRU(3, return_sequences=True, go_backwards=backwards)(x)
    model = Model(x, Dense(1)(join([h, x])), seed=1)
    model.compile("sgd", "mse")
    return model


def test_buckets_of_graphs():
    options = {"lengths": LENGTHS, "bucket_by_length": True, "verbose": 0}
    graph(Add(), False).fit(X, Y, **options)
    with refuses(ValueError, "the model joins steps with steps in reversed order"):
        graph(Add(), True).fit(X, Y, **options)
    with refuses(ValueError, "the model has 16 steps in its output for 8 of x"):
        graph(Concatenate(axis=1), False).fit(X, np.zeros((6, 16, 1)), **options)
    model = graph(Concatenate(axis=1), False)
    y = np.where(np.concatenate([VALID, VALID], axis=1)[..., None], 1.0, np.nan)
    assert np.isfinite(model.evaluate(X, y, lengths=LENGTHS))
