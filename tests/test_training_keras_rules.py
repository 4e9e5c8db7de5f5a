"""Regularizers and constraints beside Keras: losses and weights after several steps."""

import numpy as np
import pytest

from keras_peer import assert_same_weights, twin
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Embedding, SimpleRNN
from tidegate.layers.constraints import MaxNorm, NonNeg, UnitNorm
from tidegate.layers.regularizers import L1, L1L2, L2
from tidegate.models import Sequential
from tolerances import KERAS_FIT

RNG = np.random.default_rng(8)
X = RNG.standard_normal((24, 5, 3)).astype("f4")
Y = RNG.standard_normal((24, 2)).astype("f4")
TOKENS = RNG.integers(0, 6, (24, 5))

MODELS = {
    "lstm": lambda: [
        LSTM(
            4,
            input_shape=(5, 3),
            kernel_regularizer=L1L2(0.01, 0.02),
            recurrent_regularizer="l2",
            bias_regularizer=L1(0.03),
            kernel_constraint=MaxNorm(0.7),
            recurrent_constraint=UnitNorm(axis=1),
            bias_constraint="non_neg",
        ),
        Dense(2, kernel_regularizer="l1", kernel_constraint=MaxNorm(0.5, axis=(0, 1))),
    ],
    "gru": lambda: [
        GRU(
            4,
            input_shape=(5, 3),
            bias_initializer="random_normal",
            kernel_constraint="unit_norm",
            recurrent_constraint=MaxNorm(0.9),
            bias_regularizer=L2(0.1),
            bias_constraint=MaxNorm(0.02),  # over the pair of biases of a reset-after GRU
        ),
        Dense(2, bias_constraint=NonNeg(), bias_regularizer="l1"),
    ],
    "reset before": lambda: [
        GRU(4, reset_after=False, input_shape=(5, 3), bias_constraint=UnitNorm()),
        Dense(2),
    ],
    "both ways": lambda: [
        Bidirectional(
            SimpleRNN(4, kernel_regularizer="l1", recurrent_constraint="max_norm"),
            input_shape=(5, 3),
        ),
        Dense(2),
    ],
    "embedding": lambda: [
        Embedding(6, 3, "normal", L2(0.05), MaxNorm(0.06, axis=1), input_shape=(5,)),
        SimpleRNN(4),
        Dense(2),
    ],
}


@pytest.mark.parametrize("name", MODELS)
def test_steps_of_sgd_follow_keras(name):
    model = Sequential(MODELS[name](), seed=2)
    x = TOKENS if name == "embedding" else X
    copy = twin(model)
    model.compile("sgd", "mse")
    copy.compile("sgd", "mse")
    options = {"epochs": 3, "batch_size": 6, "shuffle": False, "verbose": 0}
    ours = model.fit(x, Y, validation_data=(x[:9], Y[:9]), **options).history
    theirs = copy.fit(x, Y, validation_data=(x[:9], Y[:9]), **options).history
    for key, values in ours.items():
        np.testing.assert_allclose(values, theirs[key], err_msg=key, **KERAS_FIT)
    assert_same_weights(model, copy, **KERAS_FIT)
    np.testing.assert_allclose(model.evaluate(x, Y), copy.evaluate(x, Y, verbose=0), **KERAS_FIT)
