"""Weights that are packed and weights that are read where they lie give the same bits.

The first training call of a version of the weights packs only what the call reads often enough; a
second call of the same version packs everything.
"""

import numpy as np
import pytest

import cases
import tidegate
from engine_runs import all_arrays, assert_same_bits, run
from tidegate import functional

# (T, B, I, H) of few steps and rows: nothing packed, R packed and W not, and both. Sizes below, at
# and above one and several lanes, of every level; few and many rows of dW (64).
SHAPES = (
    (1, 1, 1, 1),
    (1, 1, 5, 37),
    (1, 1, 64, 48),
    (1, 1, 150, 131),
    (1, 4, 17, 16),
    (2, 1, 3, 33),
    (3, 1, 0, 70),
    (1, 9, 24, 20),
    (4, 2, 40, 35),
    (13, 5, 6, 7),
)


def first_and_second(problem):
    return [all_arrays(*run(functional, problem)) for _ in range(2)]


@pytest.mark.parametrize("dtype", cases.DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("case", cases.ALL_CELLS, ids=str)
def test_in_place_and_packed_weights_give_the_same_bits(case, dtype):
    for shape in SHAPES:
        in_place, packed = first_and_second(cases.make_problem(case, shape, dtype))
        assert_same_bits(in_place, packed)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("case", cases.PLAIN_CELLS, ids=str)
def test_in_place_weights_give_the_same_bits_at_any_thread_count(case, threads):
    before = tidegate.get_num_threads()
    shape = (1, 1, 300, 290)  # large enough for several threads
    try:
        tidegate.set_num_threads(1)
        expected = all_arrays(*run(functional, cases.make_problem(case, shape, np.float32)))
        tidegate.set_num_threads(threads)
        for got in first_and_second(cases.make_problem(case, shape, np.float32)):
            assert_same_bits(got, expected)
    finally:
        tidegate.set_num_threads(before)


@pytest.mark.parametrize("case", cases.PLAIN_CELLS, ids=str)
def test_in_place_weights_keep_the_sign_of_zero_and_nan_in_its_row(case):
    problem = cases.make_problem(case, (1, 2, 5, 21), np.float32)
    problem.dy[:] = problem.x[:] = -0.0
    for part in (*problem.state, *problem.dstate):
        part[:] = -0.0
    problem.x[0, 1, 2] = np.nan
    in_place, packed = (with_one_nan(arrays) for arrays in first_and_second(problem))
    assert_same_bits(in_place, packed)
    assert np.isfinite(in_place["y"][0, 0]).all() and np.isnan(in_place["y"][0, 1]).any()


def with_one_nan(arrays):
    """Every NaN as the same bits: without FMA, its sign is that of one of the operands."""
    return {name: np.where(np.isnan(a), np.float32(np.nan), a) for name, a in arrays.items()}


def test_weights_changed_between_forward_and_backward_are_refused_also_in_place():
    arrays = cases.make_arrays(cases.PLAIN_CELLS[0], 3, 5)
    weights = tidegate.CellWeights.view("lstm", **arrays)
    out = functional.rnn_forward(weights, np.ones((1, 1, 3)), training=True)
    arrays["weight_hh"][:] = 1
    weights.changed()
    with pytest.raises(RuntimeError, match="the weights changed since the forward pass"):
        functional.rnn_backward(out.saved)
