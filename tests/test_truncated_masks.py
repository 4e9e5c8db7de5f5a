"""`fit(..., tbptt=k)`: the steps that count are those of the output, whoever made the mask."""

import copy

import numpy as np
import pytest

from tidegate.layers import GRU, Dense, Dropout, Embedding, Masking
from tidegate.models import Sequential

RNG = np.random.default_rng(9)
X = RNG.standard_normal((6, 11, 3)).astype("f4")
Y = RNG.standard_normal((6, 11, 5)).astype("f4")


@pytest.mark.parametrize("kind", ["tokens", "values", "late"])
def test_masks_that_layers_make_are_those_of_lengths(kind):
    """Loss, weights, steps of the optimizer and dropout: all as with lengths=."""
    lengths = np.array([4, 1, 5, 2, 0, 9])
    valid = np.arange(11) < lengths[:, None]
    x, first = np.where(valid, 1, 0), [Embedding(2, 3, mask_zero=True), Dropout(0.2)]
    if kind != "tokens":
        x, first = np.where(valid[..., None], X, np.float32(0)), [Masking(), Dropout(0.2)]
    if kind == "late":  # found in what another layer makes of x
        first = [Dense(3, use_bias=False), *first]

    def trained(**options):
        layers = [*copy.deepcopy(first), GRU(4, dropout=0.1, return_sequences=True), Dense(5)]
        model = Sequential(layers, seed=3)
        model.compile("adam", "mse", ["mae"])
        history = model.fit(x, Y, 2, 2, verbose=0, shuffle=False, tbptt=2, **options).history
        return history, model.optimizer.iterations, [w.tobytes() for w in model.get_weights()]

    history, steps, values = trained()
    assert (history, steps, values) == trained(lengths=lengths)
    assert steps == 2 * (2 + 3 + 5)
