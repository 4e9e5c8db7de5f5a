"""The engine's backward against the reference."""

import numpy as np
import pytest

from cases import (
    ALL_CELLS,
    DTYPES,
    EVERY_COMBINATION,
    PLAIN_CELLS,
    SHAPES,
    TINY_SHAPE,
    make_problem,
)
from engine_runs import (
    assert_engine_matches_reference,
    assert_gradients_close,
    assert_same_parts,
    run,
)
from tidegate import CellWeights, functional, reference


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_gradients_match_reference(case, shape, dtype):
    assert_engine_matches_reference(make_problem(case, shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", EVERY_COMBINATION, ids=str)
def test_gradients_match_reference_in_every_combination(case, dtype):
    assert_engine_matches_reference(make_problem(case, (3, 4, 3, 18), dtype))


# T * B, which the weight gradients sum over, and H and I beyond every block of the products.
LARGE_SHAPES = ((7, 33, 129, 200), (60, 20, 70, 40), (2, 3, 20, 520), (150, 1, 8, 48))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", LARGE_SHAPES, ids=str)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_gradients_match_reference_at_large_shapes(case, shape, dtype):
    assert_engine_matches_reference(make_problem(case, shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_gradients_backwards_in_time_match_reference(case, dtype):
    assert_engine_matches_reference(make_problem(case, (6, 3, 4, 10), dtype), go_backwards=True)


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_batch_first_gives_the_same_gradient_bits(case, go_backwards):
    problem = make_problem(case, (6, 3, 4, 10), np.float32)
    grads = run(functional, problem, go_backwards=go_backwards)[1]
    x, dy = (np.ascontiguousarray(q.swapaxes(0, 1)) for q in (problem.x, problem.dy))
    layout = {"batch_first": True, "go_backwards": go_backwards}
    out = functional.rnn_forward(problem.weights, x, problem.state, training=True, **layout)
    swapped = functional.rnn_backward(out.saved, dy, problem.dstate)
    np.testing.assert_array_equal(swapped.x.swapaxes(0, 1), grads.x)
    assert_same_parts(swapped.state, grads.state)
    for name, array in grads.weights.arrays().items():
        np.testing.assert_array_equal(getattr(swapped.weights, name), array, err_msg=name)


def given_gradients(case):
    """Every choice of which of dy, dh, dc are given."""
    every = [(dy, dh, dc) for dy in (0, 1) for dh in (0, 1) for dc in (0, 1)]
    return every if case.states == 2 else [given for given in every if not given[2]]


@pytest.mark.parametrize("has_y", [True, False])
@pytest.mark.parametrize("has_state", [True, False])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_gradients_of_each_choice_of_outputs(case, has_state, has_y):
    problem = make_problem(case, (4, 3, 2, 9))
    state = problem.state if has_state else None
    for give_dy, *give_state in given_gradients(case):
        if give_dy and not has_y:
            continue
        dy = problem.dy if give_dy else None
        dstate = tuple(
            part if give else None for part, give in zip(problem.dstate, give_state, strict=False)
        )
        results = []
        for doors in (functional, reference):
            out = doors.rnn_forward(
                problem.weights, problem.x, state, training=True, return_sequences=has_y
            )
            results.append(doors.rnn_backward(out.saved, dy, dstate))
        assert_gradients_close(*results)


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_without_dx_the_other_gradients_keep_their_bits(case):
    problem = make_problem(case, (4, 3, 5, 10), np.float32)
    grads = run(functional, problem)[1]
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, training=True)
    bare = functional.rnn_backward(out.saved, problem.dy, problem.dstate, need_dx=False)
    assert bare.x is None
    assert_same_parts(bare.state, grads.state)
    for name, array in grads.weights.arrays().items():
        np.testing.assert_array_equal(getattr(bare.weights, name), array, err_msg=name)


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_out_is_overwritten_and_returned(case):
    problem = make_problem(case, (4, 3, 5, 10))
    grads = run(functional, problem)[1]
    arrays = {name: np.full_like(q, np.nan) for name, q in problem.weights.arrays().items()}
    into = CellWeights.view(case.cell, **arrays, **case.options)
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, training=True)
    written = functional.rnn_backward(out.saved, problem.dy, problem.dstate, out=into)
    assert written.weights is into
    for name, array in grads.weights.arrays().items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_out_without_biases_leaves_them_out(case):
    problem = make_problem(case, (4, 3, 5, 10))
    grads = run(functional, problem)[1]
    kept = {"weight_ih", "weight_hh", "peephole", "weight_hr"}
    arrays = {
        name: np.full_like(q, np.nan)
        for name, q in problem.weights.arrays().items()
        if name in kept
    }
    into = CellWeights.view(case.cell, **arrays, **case.options)
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, training=True)
    functional.rnn_backward(out.saved, problem.dy, problem.dstate, out=into)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, getattr(grads.weights, name), err_msg=name)


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_gradients_are_linear_in_what_comes_in(case):
    problem = make_problem(case, TINY_SHAPE)
    total = run(functional, problem)[1]
    parts = []
    for dy, dstate in ((problem.dy, None), (None, problem.dstate)):
        out = functional.rnn_forward(problem.weights, problem.x, problem.state, training=True)
        parts.append(functional.rnn_backward(out.saved, dy, dstate))
    for name, array in total.weights.arrays().items():
        summed = sum(getattr(part.weights, name) for part in parts)
        np.testing.assert_allclose(summed, array, rtol=0, atol=1e-13 * np.max(np.abs(array)))
