"""The textbook program of Keras runs with only its import lines changed, and fast."""

import time

import numpy as np
import pytest

from tidegate.layers import GRU, LSTM, Dense
from tidegate.models import Sequential

# Keras 3 with TensorFlow takes 8.9 s for this `fit` on the reference machine; a hundredth of it.
LIMIT = 0.089


def program(layer, seed):
    rng = np.random.default_rng(seed)
    x_train = rng.random((100, 10))
    y_train = rng.random((100, 1))
    model = Sequential()
    model.add(layer(10, activation="relu", input_shape=(10, 1)))
    model.add(Dense(1))
    model.compile(optimizer="adam", loss="mse")
    start = time.process_time()
    history = model.fit(x_train, y_train, epochs=100, verbose=0)
    return history.history["loss"], time.process_time() - start


@pytest.mark.parametrize("layer", [LSTM, GRU])
def test_it_learns_what_can_be_learnt(layer):
    """Targets are noise: from far away down to about their variance of 1/12."""
    for seed in range(5):
        losses, _ = program(layer, seed)
        assert len(losses) == 100
        assert losses[0] > losses[-1]
        assert 0.05 < losses[-1] < 0.12


@pytest.mark.parametrize("layer", [LSTM, GRU])
def test_it_takes_a_hundredth_of_keras_s_time(layer):
    """Processor time, best of five: what else runs on the machine counts for nothing."""
    assert min(program(layer, seed)[1] for seed in range(5)) < LIMIT
