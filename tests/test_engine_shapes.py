"""Any T, B, I >= 0 and H >= 1 with any option: right answers, found by hypothesis."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import DTYPES, EVERY_COMBINATION, PLAIN_CELLS, make_problem
from engine_runs import assert_engine_matches_reference, run
from tidegate import functional

UNHURRIED = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

# Small sizes often, and sizes around every lane (2 to 16), tile and unrolling now and then.
SIZES = st.one_of(st.integers(1, 9), st.sampled_from([15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 70]))


SHAPES = st.tuples(st.integers(1, 6), SIZES, st.one_of(st.just(0), SIZES), SIZES)  # T, B, I, H


@UNHURRIED
@given(st.sampled_from(PLAIN_CELLS), SHAPES, st.sampled_from(DTYPES), st.booleans())
def test_plain_cells_match_the_reference_at_any_shape(case, shape, dtype, go_backwards):
    assert_engine_matches_reference(make_problem(case, shape, dtype), go_backwards=go_backwards)


@UNHURRIED
@given(st.sampled_from(EVERY_COMBINATION), SHAPES, st.sampled_from(DTYPES), st.booleans())
def test_every_combination_matches_the_reference_at_any_shape(case, shape, dtype, batch_first):
    problem = make_problem(case, shape, dtype)
    if batch_first:
        problem.x, problem.dy = problem.x.swapaxes(0, 1), problem.dy.swapaxes(0, 1)
    assert_engine_matches_reference(problem, batch_first=batch_first)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", range(1, 50))
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_every_small_hidden_size(case, hidden, dtype):
    assert_engine_matches_reference(make_problem(case, (2, 3, 2, hidden), dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", range(1, 28))
@pytest.mark.parametrize("case", [PLAIN_CELLS[k] for k in (0, 2, 5)], ids=str)
def test_every_small_batch(case, batch, dtype):
    assert_engine_matches_reference(make_problem(case, (3, batch, 5, 18), dtype))


EMPTY_SIZES = ((0, 2, 3), (2, 0, 3), (0, 0, 3), (2, 3, 0), (0, 3, 0), (2, 0, 0), (0, 0, 0))


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", EMPTY_SIZES, ids=str)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_empty_sizes(case, sizes, dtype, batch_first):
    problem = make_problem(case, (*sizes, 5), dtype)
    if batch_first:
        problem.x, problem.dy = problem.x.swapaxes(0, 1), problem.dy.swapaxes(0, 1)
    assert_engine_matches_reference(problem, batch_first=batch_first)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_no_steps_pass_the_state_and_its_gradient_through(case):
    problem = make_problem(case, (0, 3, 2, 5), np.float32)
    out, grads = run(functional, problem)
    for got, given_part in zip(out.state, problem.state, strict=True):
        np.testing.assert_array_equal(got, given_part)
        assert not np.shares_memory(got, given_part)
    for got, given_part in zip(grads.state, problem.dstate, strict=True):
        np.testing.assert_array_equal(got, given_part)
        assert not np.shares_memory(got, given_part)
    assert all(not array.any() for array in grads.weights.arrays().values())


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_no_rows_give_zero_weight_gradients(case):
    grads = run(functional, make_problem(case, (3, 0, 2, 5), np.float32))[1]
    assert all(not array.any() for array in grads.weights.arrays().values())
