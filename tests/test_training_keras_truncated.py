"""Truncated back-propagation beside Keras: a stateful model that is trained piece by piece."""

import numpy as np
import pytest

from keras_peer import assert_same_weights, keras, keras_layer, weights_of
from tidegate.layers import GRU, LSTM, Dense, SimpleRNN
from tidegate.models import Sequential
from tolerances import KERAS_FIT

RNG = np.random.default_rng(12)
X = RNG.standard_normal((6, 10, 3)).astype("f4")
Y = RNG.standard_normal((6, 10, 2)).astype("f4")
SEQUENCES = {"return_sequences": True}


def stateful_twin(model, batch):
    copy = keras.Sequential([keras.Input(batch_shape=(batch, None, 3))])
    for layer in model.layers:
        theirs = keras_layer(layer)
        if hasattr(theirs, "stateful"):
            theirs.stateful = True
        copy.add(theirs)
    for layer, other in zip(model.layers, copy.layers, strict=True):
        other.set_weights(weights_of(layer))
    return copy


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_pieces_follow_keras(optimizer):
    layers = [LSTM(5, **SEQUENCES, input_shape=(None, 3)), GRU(4, **SEQUENCES), Dense(3, "tanh")]
    model = Sequential([*layers, SimpleRNN(4, **SEQUENCES), Dense(2)], seed=5)
    copy = stateful_twin(model, 3)
    model.compile(optimizer, "mse")
    copy.compile(optimizer, "mse")
    ours = model.fit(X, Y, batch_size=3, epochs=2, shuffle=False, verbose=0, tbptt=5).history
    theirs = []
    for _ in range(2):
        losses = []
        for rows in (slice(0, 3), slice(3, 6)):
            for layer in copy.layers:
                if hasattr(layer, "reset_state"):
                    layer.reset_state()
            for here in (slice(0, 5), slice(5, 10)):
                copy.reset_metrics()
                losses.append(copy.train_on_batch(X[rows, here], Y[rows, here]))
        theirs.append(np.mean(losses))
    np.testing.assert_allclose(ours["loss"], theirs, **KERAS_FIT)
    assert_same_weights(model, copy, **KERAS_FIT)
