"""Targets and weights of sequences meet the steps of the data, also where T is open."""

import numpy as np
import pytest

from engine_runs import refuses
from tidegate.layers import (
    GRU,
    LSTM,
    AttentionPooling,
    Bidirectional,
    Concatenate,
    Dense,
    Input,
    Residual,
)
from tidegate.models import Model, Sequential

RNG = np.random.default_rng(6)
X, Y = RNG.standard_normal((4, 8, 3)), RNG.standard_normal((4, 8, 1))
SEQUENCES = {"return_sequences": True}


def tagger(*layers, out=1, loss="mse"):
    last = Dense(out, "softmax" if out > 1 else None)
    model = Sequential([Input((None, 3)), *(layers or [GRU(4, **SEQUENCES)]), last], seed=0)
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    "options", [{}, {"tbptt": 2}, {"bucket_by_length": True, "lengths": [8] * 4}]
)
@pytest.mark.parametrize("y", [Y[:, 0], Y[:, :1], Y[:, :5], np.zeros((4, 20, 1))])
def test_targets_of_other_steps(y, options):
    with refuses(ValueError, f"fit: y has shape {y.shape}; expected (N, 8, 1)"):
        tagger().fit(X, y, verbose=0, **options)
    with refuses(ValueError, f"evaluate: y has shape {y.shape}; expected (N, 8, 1)"):
        tagger().evaluate(X, y)
    with refuses(ValueError, f"train_on_batch: y has shape {y.shape}; expected (N, 8, 1)"):
        tagger().train_on_batch(X, y)


@pytest.mark.parametrize(
    "options", [{}, {"tbptt": 2}, {"bucket_by_length": True, "lengths": [8] * 4}]
)
def test_weights_and_labels_of_other_steps(options):
    with refuses(ValueError, "fit: sample_weight has shape (4, 3); expected (4,), or one weight"):
        tagger().fit(X, Y, sample_weight=np.ones((4, 3)), verbose=0, **options)
    with refuses(ValueError, "fit: y has shape (4, 1); expected (N, 8), one class number"):
        labels = np.zeros((4, 1), int)
        tagger(out=3, loss="sparse_categorical_crossentropy").fit(X, labels, verbose=0, **options)


def test_wrappers_and_other_numbers_of_steps():
    """What data fill in is not declared: the next data may have another number of steps."""
    inner = Bidirectional(LSTM(3, **SEQUENCES), "sum")
    model = tagger(inner, Residual(GRU(3, **SEQUENCES)), Residual(Dense(3)))
    for steps in (8, 5):
        model.fit(X[:, :steps], Y[:, :steps], verbose=0)
        with refuses(ValueError, f"y has shape (4, 1, 1); expected (N, {steps}, 1)"):
            model.fit(X[:, :steps], Y[:, :1], verbose=0)
    assert model.output_shape == (None, 1)


def test_graphs_with_several_lengths():
    past, future = Input((None, 3), name="past"), Input((None, 3), name="future")
    _, state = GRU(4, return_state=True)(past)
    h = GRU(4, **SEQUENCES)(future, initial_state=state)
    models = {2: Model([past, future], Dense(1)(h)), 10: None}
    models[10] = Model([past, future], Dense(1)(Concatenate(axis=1)([past, future])))
    for steps, model in models.items():
        model.compile("sgd", "mse")
        x = [X, X[:, :2]]
        model.fit(x, np.zeros((4, steps, 1)), verbose=0)
        with refuses(ValueError, f"y has shape (4, 1, 1); expected (N, {steps}, 1)"):
            model.fit(x, Y[:, :1], verbose=0)
    pooled = tagger(GRU(4, **SEQUENCES), AttentionPooling(3))
    pooled.fit(X, Y[:, 0], verbose=0)
