"""Packed sequences of torch.nn through our doors with `lengths`: values and every gradient.

In float64, unsorted: torch sorts them when it packs (enforce_sorted=False), as we do inside.
"""

import functools

import numpy as np
import pytest

from random_runs import Draw
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close
from torch_stacks import TorchStack

LENGTHS = {
    "unsorted": (3, 9, 1, 9, 5, 7, 2),
    "sorted": (9, 8, 6, 6, 3, 1, 1),
    "all but one of one step": (1, 1, 1, 9, 1, 1, 1),
    "none is full": (4, 2, 7, 7, 1, 3, 5),
}
LAYERS = {
    "LSTM": ("LSTM", {}),
    "LSTM, projection": ("LSTM", {"proj_size": 4}),
    "GRU": ("GRU", {}),
    "RNN": ("RNN", {}),
    "RNN, relu": ("RNN", {"nonlinearity": "relu"}),
    "GRU, no bias": ("GRU", {"bias": False}),
}
SHAPES = {
    "one layer": {},
    "both directions": {"directions": 2},
    "three layers": {"layers": 3},
    "two layers in both directions": {"layers": 2, "directions": 2},
}


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("kind", "options"), LAYERS.values(), ids=LAYERS)
def test_packed_sequences(kind, options, shape, lengths):
    sizes = (9, len(lengths), 5, 10)  # T, B, I, H
    stack = TorchStack(Draw(3), kind, sizes, lengths=np.array(lengths), **shape, **options)
    stack.compare(
        functools.partial(assert_forward_close, engines=BETWEEN_ENGINES),
        functools.partial(assert_gradient_close, engines=BETWEEN_ENGINES),
    )


def test_nan_in_the_padding_reaches_nothing():
    lengths = np.array(LENGTHS["unsorted"])
    stack = TorchStack(Draw(4), "LSTM", (9, len(lengths), 5, 10), layers=2, lengths=lengths)
    y, last, gradients = stack.ours()
    padding = np.arange(9)[:, None] >= lengths
    stack.x[padding] = np.nan
    stack.dy[padding] = np.nan
    again_y, again_last, again = stack.ours()
    np.testing.assert_array_equal(again_y, y)
    np.testing.assert_array_equal(again_last, last)
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(again[name], gradient, err_msg=name)
