"""The engine's backward against finite differences of its own forward, in float64."""

import numpy as np
import pytest

from cases import ALL_CELLS, EVERY_COMBINATION, PLAIN_CELLS, SMALLEST_SHAPE, make_problem
from numeric_gradient import analytic_gradients, numeric_gradients
from tidegate import CellWeights, functional
from tolerances import assert_differences_close


def check_gradients(case, shape, **layout):
    problem = make_problem(case, shape)

    def forward(arrays, x, state):
        w = CellWeights(case.cell, **arrays, **case.options)
        return functional.rnn_forward(w, x, state, **layout)

    out = functional.rnn_forward(problem.weights, problem.x, problem.state, training=True, **layout)
    grads = functional.rnn_backward(out.saved, problem.dy, problem.dstate)
    numeric = numeric_gradients(forward, problem, np.float64)
    assert_differences_close(analytic_gradients(grads), numeric, np.float64)


@pytest.mark.parametrize("case", EVERY_COMBINATION, ids=str)
def test_gradients_match_finite_differences_in_every_combination(case):
    check_gradients(case, SMALLEST_SHAPE)


@pytest.mark.parametrize("shape", [(4, 3, 2, 3), (3, 1, 2, 9), (1, 1, 1, 1)], ids=str)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_gradients_match_finite_differences_at_small_shapes(case, shape):
    check_gradients(case, shape)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_gradients_match_finite_differences_when_run_backwards(case):
    check_gradients(case, (3, 2, 2, 3), go_backwards=True)


RAGGED = (
    {"lengths": [4, 0, 2]},
    {"lengths": [1, 4, 3], "masked_output": "hold", "go_backwards": True},
    {"mask": [[False, True, False, True], [True, False, False, True], [False] * 4]},
    {
        "mask": [
            [True, False, True, False],
            [False, True, True, True],
            [False, False, True, False],
        ],
        "masked_output": "hold",
    },
)


@pytest.mark.parametrize("ragged", RAGGED, ids=["lengths", "held", "gaps", "held_gaps"])
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_gradients_match_finite_differences_of_ragged_batches(case, ragged):
    check_gradients(case, (4, 3, 2, 3), **ragged)
