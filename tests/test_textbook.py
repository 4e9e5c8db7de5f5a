"""The textbook program of Keras runs with only its import lines changed, and little Python.

How long it takes beside Keras is measured by textbook_speed.py; nothing here looks at a clock.
"""

import sys

import numpy as np
import pytest

from tidegate.layers import GRU, LSTM, Dense
from tidegate.models import Sequential

# An epoch is four batches: 239 calls of Python functions and 167 of others with CPython 3.11.
MOST_CALLS_PER_EPOCH = 450


def program(layer, seed, epochs=100):
    rng = np.random.default_rng(seed)
    x_train = rng.random((100, 10))
    y_train = rng.random((100, 1))
    model = Sequential()
    model.add(layer(10, activation="relu", input_shape=(10, 1)))
    model.add(Dense(1))
    model.compile(optimizer="adam", loss="mse")
    return model.fit(x_train, y_train, epochs=epochs, verbose=0)


@pytest.mark.parametrize("layer", [LSTM, GRU])
def test_it_learns_what_can_be_learnt(layer):
    """Targets are noise: from far away down to about their variance of 1/12."""
    for seed in range(5):
        losses = program(layer, seed).history["loss"]
        assert len(losses) == 100
        assert losses[0] > losses[-1]
        assert 0.05 < losses[-1] < 0.12


def calls_of(run):
    """How many functions, of Python or not, are called from Python while `run()` lasts."""
    count = 0

    def count_calls(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count_calls)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("layer", [LSTM, GRU])
def test_an_epoch_costs_few_python_calls(layer):
    """What Python adds to tiny batches, whose arithmetic has its guard in cpp_tests/counts."""
    program(layer, 0, epochs=2)  # what only a first run does
    ten, twenty = (calls_of(lambda n=n: program(layer, 0, epochs=n)) for n in (10, 20))
    assert 0 < (twenty - ten) / 10 <= MOST_CALLS_PER_EPOCH
