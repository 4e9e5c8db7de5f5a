"""Denormal numbers count as 0, wherever they come in and wherever they would come out."""

import numpy as np
import pytest

from cases import DTYPES, PLAIN_CELLS, make_problem
from engine_runs import all_arrays, assert_same_bits, run
from tidegate import CellWeights, functional

SHAPE = (4, 5, 3, 11)  # (T, B, I, H)


def results(problem):
    return all_arrays(*run(functional, problem))


def replaced(problem, part, size):
    """The problem with x, the state or one array of the weights scaled down to `size`."""
    weights = problem.weights
    if part == "x":
        problem.x = (problem.x * size).astype(problem.x.dtype)
    elif part == "state":
        problem.state = tuple((q * size).astype(q.dtype) for q in problem.state)
    else:
        arrays = weights.arrays()
        arrays[part] = (arrays[part] * size).astype(arrays[part].dtype)
        problem.weights = CellWeights(weights.cell, **arrays, **weights_options(weights))
    return problem


def weights_options(weights):
    options = {"reset_after": weights.reset_after, "update": weights.update}
    return options if weights.cell == "gru" else {}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_denormal_input_state_and_weights_count_as_zero(case, dtype):
    tiny = np.finfo(dtype).tiny / 32
    for part in ("x", "state", *make_problem(case, SHAPE, dtype).weights.arrays()):
        denormal = replaced(make_problem(case, SHAPE, dtype), part, tiny)
        zero = replaced(make_problem(case, SHAPE, dtype), part, 0)
        assert_same_bits(results(denormal), results(zero))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_decaying_state_is_exact_down_to_the_smallest_normal_number(dtype):
    one, half = np.ones((1, 1), dtype), np.full((1, 1), 0.5, dtype)
    weights = CellWeights("rnn", weight_ih=one, weight_hh=half, activation="linear")
    steps = -np.finfo(dtype).minexp + 40
    y = functional.rnn_forward(weights, np.zeros((steps, 1, 1), dtype), (one,)).y[:, 0, 0]
    exact = np.ldexp(dtype(1), -np.arange(1, steps + 1))
    np.testing.assert_array_equal(y, np.where(exact < np.finfo(dtype).tiny, 0, exact))
