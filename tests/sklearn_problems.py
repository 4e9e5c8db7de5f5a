"""Small problems for the tests of the estimators."""

import numpy as np


def sequences(n=48, steps=7, values=2, seed=0):
    """X (n, T, I) and the sum of its first channel."""
    X = np.random.default_rng(seed).standard_normal((n, steps, values))
    return X, X[:, :, 0].sum(axis=1)


def ragged(n=48, values=2, seed=0):
    """Sequences of 1 to 9 steps and the sum of the first channel of each."""
    rng = np.random.default_rng(seed)
    X = [rng.standard_normal((rng.integers(1, 10), values)) for _ in range(n)]
    return X, np.array([x[:, 0].sum() for x in X])
