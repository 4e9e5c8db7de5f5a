"""Gradients of whole models, every layer in combination, against finite differences in float64."""

import numpy as np
import pytest

from numeric_gradient import numeric_gradient
from tidegate.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Input,
    Residual,
    SimpleRNN,
)
from tidegate.models import Sequential
from tidegate.training import losses
from tidegate.training.step import Step
from tolerances import assert_differences_close
from training_probes import NoStep

F8 = {"dtype": "float64"}
RNG = np.random.default_rng(2)
X = RNG.standard_normal((3, 4, 2))
TOKENS = RNG.integers(0, 5, (3, 4))
MASK = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 0]], bool)  # a gap, padding on both sides


def lstm(*arguments, **options):
    return LSTM(*arguments, bias_initializer="random_normal", **options, **F8)


def gru(*arguments, **options):
    return GRU(*arguments, bias_initializer="random_normal", **options, **F8)


MODELS = {
    "lstm": ([lstm(3), Dense(2, **F8)], X, "mse"),
    "lstm peephole": ([lstm(3, peephole="diagonal"), Dense(1, **F8)], X, "mse"),
    "lstm full": ([lstm(3, peephole="full", return_sequences=True), Dense(1, **F8)], X, "mse"),
    "lstm projections": (
        [
            lstm(3, projection=2, return_sequences=True),
            Bidirectional(lstm(2, projection=3, peephole="full"), merge_mode="sum"),
            Dense(1, **F8),
        ],
        X,
    ),
    "lstm relu": (
        [lstm(3, activation="relu"), Dense(1, "relu", bias_initializer="ones", **F8)],
        X,
        "mse",
    ),
    "lstm no bias": ([lstm(3, use_bias=False), Dense(1, use_bias=False, **F8)], X, "mse"),
    "gru": ([gru(3), Dense(2, activation="tanh", **F8)], X, "huber"),
    "gru before": ([gru(3, reset_after=False, update="replace"), Dense(2, **F8)], X, "mse"),
    "rnn": ([SimpleRNN(3, **F8), Dense(2, activation="sigmoid", **F8)], X, "mse"),
    "backwards": ([lstm(3, return_sequences=True, go_backwards=True), gru(2), Dense(1, **F8)], X),
    "stack": (
        [
            lstm(3, return_sequences=True),
            Dense(3, activation="tanh", **F8),
            Dropout(0.4, **F8),
            gru(2, return_sequences=True),
            Dropout(0.4, noise_shape=(None, 1, None), **F8),
            Dense(2, **F8),
        ],
        X,
    ),
    "bidirectional": (
        [
            Bidirectional(lstm(2, return_sequences=True)),
            Bidirectional(gru(3, return_sequences=True, reset_after=False)),
            Bidirectional(SimpleRNN(2, **F8)),
            Dense(1, **F8),
        ],
        X,
    ),
    "merges": (
        [
            Bidirectional(lstm(2, return_sequences=True), "mul"),
            Bidirectional(
                lstm(3, return_sequences=True),
                "sum",
                gru(3, return_sequences=True, go_backwards=True),
            ),
            Bidirectional(gru(2, return_sequences=True), "ave"),
            Bidirectional(
                SimpleRNN(2, **F8), "concat", lstm(3, go_backwards=True, peephole="diagonal")
            ),
            Dense(1, **F8),
        ],
        X,
    ),
    "merged last states": (
        [
            Bidirectional(lstm(2, return_sequences=True), "ave"),
            Bidirectional(lstm(2), "mul"),
            Dense(1, **F8),
        ],
        X,
    ),
    "weight drop": (
        [
            Bidirectional(lstm(3, return_sequences=True, weight_drop=0.4), "sum"),
            gru(3, return_sequences=True, weight_drop=0.5, reset_after=False),
            SimpleRNN(3, weight_drop=0.3, recurrent_regularizer="l2", **F8),
            Dense(1, **F8),
        ],
        X,
    ),
    "residual": (
        [
            Residual(lstm(2, return_sequences=True, weight_drop=0.3)),
            Residual(Bidirectional(gru(2, return_sequences=True), "mul")),
            Residual(Dropout(0.3, **F8)),
            Residual(SimpleRNN(2, return_sequences=True, go_backwards=True, **F8)),
            Residual(Dense(2, activation="tanh", **F8)),
            gru(2),
            Dense(1, **F8),
        ],
        X,
    ),
    "embedding": ([Embedding(5, 3, **F8), lstm(2), Dense(4, **F8)], TOKENS, "sparse logits"),
    "softmax": ([lstm(3), Dense(4, activation="softmax", **F8)], X, "sparse"),
    "softmax steps": (
        [gru(3, return_sequences=True), Dense(4, activation="softmax", **F8)],
        X,
        "one hot",
    ),
    "softmax inside": (
        [Dense(3, activation="softmax", **F8), lstm(2), Dense(4, activation="softmax", **F8)],
        X,
        "mse",
    ),
    "sigmoid": ([gru(3), Dense(2, activation="sigmoid", **F8)], X, "binary"),
}
LOSSES = {
    "mse": losses.MeanSquaredError(),
    "huber": losses.Huber(0.3),
    "binary": losses.BinaryCrossentropy(label_smoothing=0.1),
    "one hot": losses.CategoricalCrossentropy(),
    "sparse": losses.SparseCategoricalCrossentropy(),
    "sparse logits": losses.SparseCategoricalCrossentropy(from_logits=True),
}


def build(name):
    layers, x, loss = (*MODELS[name], "mse")[:3]
    model = Sequential([Input(x.shape[1:]), *layers], seed=3)
    model.compile("sgd", LOSSES[loss])
    model.optimizer = NoStep()
    shape = (len(x), *model.output_shape)
    y = np.random.default_rng(4).standard_normal(shape)
    if loss in ("sparse", "sparse logits"):
        y = np.abs(y).argmax(-1)
    elif loss == "one hot":
        y = np.eye(shape[-1])[np.abs(y).argmax(-1)]
    elif loss == "binary":
        y = (y > 0).astype(float)
    return model, x, y, np.linspace(0.5, 2, int(np.prod(shape[:-1]))).reshape(shape[:-1])


def loss_at(model, x, y, weight, mask):
    model.weights_changed()
    # dropout: the same masks
    return Step(model).train(x, y, weight, np.random.default_rng(6), mask)


@pytest.mark.parametrize("mask", [None, MASK], ids=["every step", "masked"])
@pytest.mark.parametrize("name", MODELS)
def test_gradients_of_a_model(name, mask):
    model, x, y, weight = build(name)
    loss_at(model, x, y, weight, mask)
    analytic = {name: parameter.grad.copy() for name, parameter in model.parameters.items()}
    numeric = {
        name: numeric_gradient(p.value, lambda: loss_at(model, x, y, weight, mask))
        for name, p in model.parameters.items()
    }
    assert all(np.abs(gradient).max() > 0 for gradient in analytic.values())
    assert_differences_close(analytic, numeric, np.float64)
