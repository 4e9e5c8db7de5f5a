"""The small trained model that the tests of saving write, and what it learns from."""

import numpy as np

from tidegate.layers import LSTM, Dense
from tidegate.models import Sequential

X = np.random.default_rng(0).standard_normal((30, 5, 3))


def make_model():
    """Compiled; its file is larger than a page of 4096 bytes."""
    made = Sequential([LSTM(16, input_shape=(5, 3)), Dense(1)], seed=0)
    made.compile("adam", "mse")
    return made
