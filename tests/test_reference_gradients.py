"""The reference's backward against finite differences of its forward, for every option."""

import numpy as np
import pytest

from cases import (
    ALL_CELLS,
    EVERY_COMBINATION,
    PLAIN_CELLS,
    SMALLEST_SHAPE,
    TINY_SHAPE,
    make_problem,
    make_reference_weights,
)
from numeric_gradient import analytic_gradients, numeric_gradients
from tidegate import reference
from tolerances import assert_differences_close

WIDE = np.longdouble


def check_gradients(case, shape, **layout):
    problem = make_problem(case, shape, weights=make_reference_weights)

    def forward(arrays, x, state):
        w = reference.Weights(case.cell, **arrays, **case.options)
        return reference.rnn_forward(w, x, state, **layout)

    out = reference.rnn_forward(problem.weights, problem.x, problem.state, training=True, **layout)
    grads = reference.rnn_backward(out.saved, problem.dy, problem.dstate)
    numeric = numeric_gradients(forward, problem, WIDE)
    assert_differences_close(analytic_gradients(grads), numeric, WIDE)


@pytest.mark.parametrize("case", EVERY_COMBINATION, ids=str)
def test_gradients_match_finite_differences_in_every_combination(case):
    check_gradients(case, SMALLEST_SHAPE)


@pytest.mark.parametrize("shape", [TINY_SHAPE, (1, 1, 1, 1), (4, 1, 3, 1), (2, 2, 0, 2)], ids=str)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_gradients_match_finite_differences_at_small_shapes(case, shape):
    check_gradients(case, shape)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_gradients_match_finite_differences_when_run_backwards(case):
    check_gradients(case, SMALLEST_SHAPE, go_backwards=True)


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_slope_matches_finite_differences_of_value(name):
    activation = reference.ACTIVATIONS[name]()
    a = np.linspace(-6, 6, 38, dtype=WIDE)  # 0, the kink of relu, is not among them
    step = WIDE(1e-6)
    numeric = (activation.value(a + step) - activation.value(a - step)) / (2 * step)
    np.testing.assert_allclose(activation.slope(activation.value(a)), numeric, rtol=0, atol=1e-9)
