"""Pre-activations as large as a dtype holds, or infinite, saturate every bounded activation."""

import numpy as np
import pytest

from cases import DTYPES, PLAIN_CELLS, CellCase, make_weights
from tidegate import CellWeights, functional, reference
from tolerances import assert_forward_close

BOUNDED = ("tanh", "sigmoid", "hard_sigmoid", "softsign")
CASES = (
    *PLAIN_CELLS,
    *(CellCase("rnn", activation=name) for name in BOUNDED[1:]),
    *(CellCase("gru", activation=name) for name in BOUNDED[1:]),
    *(CellCase("gru", reset_after=False, recurrent_activation=name) for name in BOUNDED[2:]),
    *(CellCase("lstm", activation=name, output_activation=name) for name in BOUNDED[1:]),
    *(CellCase("lstm", recurrent_activation=name, peephole="diagonal") for name in BOUNDED[2:]),
)
BATCH, HIDDEN = 5, 19
SATURATED = 1e15  # every bounded activation is within 1e-15 of its limit here


def saturating_weights(case, dtype):
    """Seeded weights with W = ±1, so that the input is the pre-activation but for its sign."""
    weights = make_weights(case, 1, HIDDEN, dtype)
    arrays = weights.arrays() | {"weight_ih": np.sign(weights.weight_ih)}
    return CellWeights(case.cell, **arrays, **case.options)


def input_of(steps, dtype, size):
    """Inputs of both signs, row by row and step by step."""
    signs = np.where(np.add.outer(np.arange(steps), np.arange(BATCH)) % 2, -1.0, 1.0)
    return (signs * size)[..., None].astype(dtype)


@pytest.mark.parametrize("steps", [1, 6])
@pytest.mark.parametrize("size", ["1e38", "max", "inf"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_extreme_input_gives_the_limits_and_their_gradients(case, dtype, size, steps):
    number = float(np.finfo(dtype).max) if size == "max" else float(size)
    weights = saturating_weights(case, dtype)
    outs = []
    for doors, magnitude in ((functional, number), (reference, SATURATED)):
        out = doors.rnn_forward(weights, input_of(steps, dtype, magnitude), training=True)
        outs.append((out, doors.rnn_backward(out.saved, np.ones_like(out.y))))
    (got, grads), (expected, expected_grads) = outs
    assert_forward_close(got.y, expected.y)
    for part, expected_part in zip(got.state, expected.state, strict=True):
        assert_forward_close(part, expected_part, "state")
    assert_forward_close(grads.x, expected_grads.x, "dx")
    for part, expected_part in zip(grads.state, expected_grads.state, strict=True):
        assert_forward_close(part, expected_part, "dstate")


@pytest.mark.parametrize("size", [1e38, np.inf], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_extreme_biases_give_the_limits(case, dtype, size):
    weights = make_weights(case, 2, HIDDEN, dtype)
    signs = np.sign(weights.bias_ih)
    x = np.linspace(-1, 1, 4 * BATCH * 2).reshape(4, BATCH, 2).astype(dtype)
    ys = []
    for doors, magnitude in ((functional, size), (reference, SATURATED)):
        arrays = weights.arrays() | {"bias_ih": (signs * magnitude).astype(dtype)}
        ys.append(doors.rnn_forward(CellWeights(case.cell, **arrays, **case.options), x).y)
    assert_forward_close(*ys)


@pytest.mark.parametrize("size", ["max", "inf"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["tanh", "softsign", "sigmoid"])
def test_an_extreme_cell_state_is_squashed(name, dtype, size):
    case = CellCase("lstm", output_activation=name)
    weights = make_weights(case, 2, HIDDEN, dtype)
    number = float(np.finfo(dtype).max) if size == "max" else np.inf
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, BATCH, 2)).astype(dtype)
    signs = np.sign(rng.standard_normal((BATCH, HIDDEN)))
    ys = []
    for doors, magnitude in ((functional, number), (reference, SATURATED**2)):
        state = np.zeros((BATCH, HIDDEN), dtype), (signs * magnitude).astype(dtype)
        ys.append(doors.rnn_forward(weights, x, state).y)
    assert_forward_close(*ys)
