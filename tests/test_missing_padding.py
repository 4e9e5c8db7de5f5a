"""Missing values in padded batches: gaps are those of the sequence without its masked steps."""

import numpy as np
import pytest

from test_layers_missing import B, F, H, T, data
from tidegate.layers import GRU, GRUD, Bidirectional, Dense, MissingIndicator
from tidegate.models import Sequential
from tolerances import assert_forward_close

DIRECTIONS = {
    "forward": lambda kept: GRUD(H, dtype="float64", **kept),
    "backward": lambda kept: GRUD(H, dtype="float64", go_backwards=True, **kept),
    "both": lambda kept: Bidirectional(GRUD(H, dtype="float64", **kept)),
    "indicator": lambda kept: Sequential(
        [MissingIndicator(dtype="float64"), GRU(H, dtype="float64", **kept)], seed=1
    ),
}


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_masked_steps_are_no_time(direction, return_sequences):
    layer = DIRECTIONS[direction]({"return_sequences": return_sequences})
    run = layer.predict if isinstance(layer, Sequential) else layer
    x = data(2)
    run(x)  # builds it
    rng = np.random.default_rng(7)
    counts = [T, 4, 2]
    for place in ("in front", "behind", "between"):
        mask = np.zeros((B, T + 7), bool)
        for b, n in enumerate(counts):
            steps = {
                "in front": np.arange(n) + 7 + T - n,
                "behind": np.arange(n),
                "between": np.sort(rng.permutation(T + 7)[:n]),
            }[place]
            mask[b, steps] = True
        padded = np.full((B, T + 7, F), 9.0)
        for b, n in enumerate(counts):
            padded[b, mask[b]] = x[b, :n]
        y = run(padded, mask=mask)
        for b, n in enumerate(counts):
            alone = run(x[b : b + 1, :n])[0]
            shown = mask[b, ::-1] if direction == "backward" else mask[b]
            assert_forward_close(y[b, shown] if return_sequences else y[b], alone)


def test_padding_changes_neither_loss_nor_weights_of_grud():
    x, y = np.tile(data(2), (2, 1, 1)), np.arange(2.0 * B)[:, None]
    lengths = np.array([T, 4, 2, 5, 1, 3])
    longer = np.concatenate([x, np.zeros((2 * B, 5, F))], axis=1)
    for bidirectional in (False, True):
        trained = []
        for array, buckets in ((x, False), (longer, False), (longer, True)):
            layer = GRUD(H, dtype="float64", go_backwards=not bidirectional)
            layers = [Bidirectional(layer) if bidirectional else layer, Dense(1, dtype="float64")]
            model = Sequential(layers, seed=3)
            model.compile("adam", "mse")
            options = {"lengths": lengths, "bucket_by_length": buckets, "shuffle": False}
            model.fit(array, y, epochs=3, verbose=0, **options)
            trained.append(model.get_weights())
        for other in trained[1:]:
            for a, b in zip(trained[0], other, strict=True):
                np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
