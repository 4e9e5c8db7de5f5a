"""NaN and infinity come out where they went in, and nowhere else."""

import numpy as np
import pytest

from cases import ALL_CELLS, DTYPES, PLAIN_CELLS, make_problem
from engine_runs import run
from tidegate import functional, reference
from tolerances import assert_forward_close

SHAPE = (5, 9, 4, 19)  # (T, B, I, H); a NaN enters row 3 of the batch at step 2


def poisoned(case, dtype, value):
    problem = make_problem(case, SHAPE, dtype)
    problem.x[2, 3, 1] = value
    return problem


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_nan_in_x_reaches_its_row_from_its_step_on(case, dtype):
    clean, problem = make_problem(case, SHAPE, dtype), poisoned(case, dtype, np.nan)
    y = functional.rnn_forward(problem.weights, problem.x, problem.state).y
    y_clean = functional.rnn_forward(clean.weights, clean.x, clean.state).y
    assert np.isnan(y[2:, 3]).all()
    y[2:, 3] = y_clean[2:, 3]
    np.testing.assert_array_equal(y, y_clean)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_nan_in_x_stays_in_its_row_of_the_gradients(case, dtype):
    clean = run(functional, make_problem(case, SHAPE, dtype))[1]
    grads = run(functional, poisoned(case, dtype, np.nan))[1]
    assert np.isnan(grads.x[:3, 3]).all()
    assert np.isnan(grads.weights.weight_hh).any()  # the weights are shared by all rows
    others = [row for row in range(SHAPE[1]) if row != 3]
    np.testing.assert_array_equal(grads.x[:, others], clean.x[:, others])
    for part, clean_part in zip(grads.state, clean.state, strict=True):
        np.testing.assert_array_equal(part[others], clean_part[others])


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
@pytest.mark.parametrize("part", [0, 1])
def test_nan_in_the_state_stays_in_its_row(case, part):
    if part >= case.states:
        return
    problem = make_problem(case, SHAPE, np.float32)
    clean = functional.rnn_forward(problem.weights, problem.x, problem.state).y
    problem.state[part][4, 2] = np.nan
    y = functional.rnn_forward(problem.weights, problem.x, problem.state).y
    others = [row for row in range(SHAPE[1]) if row != 4]
    assert np.isnan(y[:, 4]).any()
    np.testing.assert_array_equal(y[:, others], clean[:, others])


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_nan_in_a_weight_is_not_hidden(case):
    problem = make_problem(case, SHAPE, np.float32)
    for name, array in problem.weights.arrays().items():
        arrays = {key: q.copy() for key, q in problem.weights.arrays().items()}
        arrays[name][(0,) * array.ndim] = np.nan
        w = type(problem.weights)(case.cell, **arrays, **case.options)
        assert np.isnan(functional.rnn_forward(w, problem.x, problem.state).y).any(), name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", ["inf", "-inf", "max", "-max"])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_infinite_input_gives_what_the_reference_gives(case, value, dtype):
    size = np.inf if value.endswith("inf") else np.finfo(dtype).max
    problem = poisoned(case, dtype, -size if value.startswith("-") else size)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = reference.rnn_forward(problem.weights, problem.x, problem.state)
    out = functional.rnn_forward(problem.weights, problem.x, problem.state)
    assert_forward_close(out.y, expected.y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_huge_pre_activations_saturate(case, dtype):
    problem = make_problem(case, SHAPE, dtype)
    x = problem.x * dtype(1e30)
    y = functional.rnn_forward(problem.weights, x, problem.state).y
    with np.errstate(over="ignore", invalid="ignore"):
        expected = reference.rnn_forward(problem.weights, x, problem.state).y
    assert np.isfinite(y).all()
    assert_forward_close(y, expected)


@pytest.mark.parametrize("hidden", [1, 5, 7, 8, 16, 19])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_infinity_in_x_does_not_reach_gradients_through_the_padding(case, hidden):
    """Found by attack: padded units met 0 * inf; their NaN went on into every gradient."""
    problem = make_problem(case, (4, 3, 2, hidden), np.float64)
    problem.x[2, 1, 0] = np.inf
    with np.errstate(invalid="ignore"):
        expected = run(reference, problem)[1]
    grads = run(functional, problem)[1]
    np.testing.assert_array_equal(np.isfinite(grads.x), np.isfinite(expected.x))
    np.testing.assert_array_equal(
        np.isfinite(grads.weights.weight_hh), np.isfinite(expected.weights.weight_hh)
    )
