"""The engine's forward against the reference."""

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
from engine_runs import assert_outputs_close, assert_same_parts
from tidegate import functional, reference
from tolerances import assert_forward_close


def check_forward(case, shape, dtype, **layout):
    problem = make_problem(case, shape, dtype)
    args = problem.weights, problem.x, problem.state
    out = functional.rnn_forward(*args, **layout)
    assert out.y.dtype == dtype
    assert_outputs_close(out, reference.rnn_forward(*args, **layout), problem.weights)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_forward_matches_reference(case, shape, dtype):
    check_forward(case, shape, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", EVERY_COMBINATION, ids=str)
def test_forward_matches_reference_in_every_combination(case, dtype):
    check_forward(case, (3, 4, 3, 18), dtype)


# Rows of the batch, inputs and units far beyond a tile, a chunk and a cache; H = 1024 is the limit
# of what the accuracy promise speaks of.
LARGE_SHAPES = ((7, 33, 129, 200), (40, 2, 300, 130), (2, 3, 50, 1024), (150, 1, 8, 48))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", LARGE_SHAPES, ids=str)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_forward_matches_reference_at_large_shapes(case, shape, dtype):
    check_forward(case, shape, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_forward_backwards_in_time_matches_reference(case, dtype):
    check_forward(case, (6, 3, 4, 10), dtype, go_backwards=True)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_batch_first_gives_the_same_bits(case, go_backwards, training):
    problem = make_problem(case, (6, 3, 4, 10), np.float32)
    options = {"training": training, "go_backwards": go_backwards}
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, **options)
    x = np.ascontiguousarray(problem.x.swapaxes(0, 1))
    swapped = functional.rnn_forward(problem.weights, x, problem.state, batch_first=True, **options)
    np.testing.assert_array_equal(swapped.y.swapaxes(0, 1), out.y)
    assert_same_parts(swapped.state, out.state)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_omitted_state_is_zeros(case, training):
    problem = make_problem(case, TINY_SHAPE)
    zeros = tuple(np.zeros_like(part) for part in problem.state)
    given = functional.rnn_forward(problem.weights, problem.x, zeros, training=training)
    for state in (None, (None,) * len(zeros)):
        out = functional.rnn_forward(problem.weights, problem.x, state, training=training)
        np.testing.assert_array_equal(out.y, given.y)
        assert_same_parts(out.state, given.state)


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_training_and_return_sequences_do_not_change_a_bit(case):
    problem = make_problem(case, (9, 5, 3, 21), np.float32)
    args = problem.weights, problem.x, problem.state
    out = functional.rnn_forward(*args)
    trained = functional.rnn_forward(*args, training=True)
    last = functional.rnn_forward(*args, return_sequences=False)
    assert last.y is None
    assert out.saved is None
    np.testing.assert_array_equal(trained.y, out.y)
    assert_same_parts(trained.state, out.state)
    assert_same_parts(last.state, out.state)


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_last_output_is_the_final_state(case):
    problem = make_problem(case, (5, 4, 3, 7), np.float32)
    out = functional.rnn_forward(problem.weights, problem.x, problem.state)
    np.testing.assert_array_equal(out.state[0], out.y[-1])
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, go_backwards=True)
    np.testing.assert_array_equal(out.state[0], out.y[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_two_halves_give_the_bits_of_the_whole(case, dtype):
    problem = make_problem(case, (40, 5, 9, 34), dtype)
    w, x = problem.weights, problem.x
    whole = functional.rnn_forward(w, x, problem.state)
    first = functional.rnn_forward(w, x[:13], problem.state)
    second = functional.rnn_forward(w, x[13:], first.state)
    np.testing.assert_array_equal(np.concatenate([first.y, second.y]), whole.y)
    assert_same_parts(second.state, whole.state)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_a_row_has_the_same_bits_in_any_batch(case, dtype):
    problem = make_problem(case, (6, 23, 9, 34), dtype)
    w, x = problem.weights, problem.x
    together = functional.rnn_forward(w, x, problem.state)
    for row in (0, 7, 22):
        state = tuple(part[row : row + 1] for part in problem.state)
        alone = functional.rnn_forward(w, x[:, row : row + 1], state)
        np.testing.assert_array_equal(alone.y[:, 0], together.y[:, row])


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_arguments_are_left_alone(case):
    problem = make_problem(case, (4, 3, 5, 10), np.float32)
    before = problem.x.copy(), [part.copy() for part in problem.state]
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, training=True)
    np.testing.assert_array_equal(problem.x, before[0])
    assert_same_parts(problem.state, before[1])
    assert not any(np.shares_memory(out.state[0], part) for part in problem.state)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_changed_weights_are_used_by_the_next_call(case):
    problem = make_problem(case, (4, 3, 5, 10))
    arrays = {name: array.copy() for name, array in problem.weights.arrays().items()}
    w = type(problem.weights).view(case.cell, **arrays, **case.options)
    functional.rnn_forward(w, problem.x)
    for array in arrays.values():
        np.multiply(array, -0.5, out=array)
    w.changed()
    out = functional.rnn_forward(w, problem.x)
    assert_forward_close(out.y, reference.rnn_forward(w, problem.x).y)
