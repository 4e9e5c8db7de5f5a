"""NaN and infinity from every array, also from incoming gradients, come out as in the reference."""

import numpy as np
import pytest

from cases import ALL_CELLS, DTYPES, PLAIN_CELLS, make_problem
from engine_runs import run
from tidegate import functional, reference
from tolerances import assert_forward_close

SHAPE = (4, 6, 3, 11)  # (T, B, I, H)
ROW = 2
OTHERS = [row for row in range(SHAPE[1]) if row != ROW]


def assert_other_rows_same(grads, clean):
    np.testing.assert_array_equal(grads.x[:, OTHERS], clean.x[:, OTHERS])
    for part, clean_part in zip(grads.state, clean.state, strict=True):
        np.testing.assert_array_equal(part[OTHERS], clean_part[OTHERS])


def with_value(weights, name, value):
    """The same weights with one element of one array replaced."""
    arrays = {key: array.copy() for key, array in weights.arrays().items()}
    arrays[name][(1 % arrays[name].shape[0], *(0,) * (arrays[name].ndim - 1))] = value
    return arrays


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_incoming_gradient_stays_in_its_row(case, dtype, value):
    problem = make_problem(case, SHAPE, dtype)
    clean = run(functional, problem)[1]
    problem.dy[2, ROW] = value
    grads = run(functional, problem)[1]
    assert_other_rows_same(grads, clean)
    np.testing.assert_array_equal(grads.x[3], clean.x[3])  # a later step does not feel dy
    if case in PLAIN_CELLS:
        assert not np.isfinite(grads.x[:3, ROW]).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_gradient_of_the_last_state_stays_in_its_row(case, part, dtype):
    if part >= case.states:
        return
    problem = make_problem(case, SHAPE, dtype)
    clean = run(functional, problem)[1]
    problem.dstate[part][ROW] = np.nan
    grads = run(functional, problem)[1]
    assert_other_rows_same(grads, clean)
    assert np.isnan(grads.x[-1, ROW]).any()


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=str)
@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_state_stays_in_its_row_of_the_gradients(case, part, value):
    if part >= case.states:
        return
    problem = make_problem(case, SHAPE, np.float64)
    clean_out, clean = run(functional, problem)
    problem.state[part][ROW, 1] = value
    out, grads = run(functional, problem)
    np.testing.assert_array_equal(out.y[:, OTHERS], clean_out.y[:, OTHERS])
    assert_other_rows_same(grads, clean)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_nan_in_any_array_shows_where_the_reference_shows_it(case, dtype):
    problem = make_problem(case, SHAPE, dtype)
    weights = problem.weights
    for name in weights.arrays():
        arrays = with_value(weights, name, np.nan)
        problem.weights = type(weights)(case.cell, **arrays, **case.options)
        out, grads = run(functional, problem)
        expected, expected_grads = run(reference, problem)
        np.testing.assert_array_equal(np.isnan(out.y), np.isnan(expected.y), err_msg=name)
        assert np.isnan(out.y).any(), name
        np.testing.assert_array_equal(np.isnan(grads.x), np.isnan(expected_grads.x), name)


@pytest.mark.parametrize("value", [np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_infinity_in_any_array_gives_what_the_reference_gives(case, dtype, value):
    problem = make_problem(case, SHAPE, dtype)
    weights = problem.weights
    for name in weights.arrays():
        arrays = with_value(weights, name, value)
        problem.weights = type(weights)(case.cell, **arrays, **case.options)
        y = functional.rnn_forward(problem.weights, problem.x, problem.state).y
        with np.errstate(over="ignore", invalid="ignore"):
            expected = reference.rnn_forward(problem.weights, problem.x, problem.state).y
        assert_forward_close(y, expected, name)
