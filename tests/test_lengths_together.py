"""Ragged batches through two directions, or stacked layers: the bits of one call each."""

import numpy as np
import pytest

from cases import DTYPES
from test_together import (
    GRU,
    LSTM,
    RNN,
    compare,
    directions_by_hand,
    directions_problem,
    run_directions,
    run_stack,
    same,
    stack_by_hand,
    stack_problem,
)
from tidegate import functional, set_num_threads

RNG = np.random.default_rng(5)
# (T, B, I, units): a wavefront of many pieces, a whole layer at a time, one row.
STACKS = ((29, 3, 3, (16, 7)), (12, 20, 5, (24, 9, 33)), (40, 1, 2, (8, 8, 8)))
DIRECTIONS = ((29, 3, 3, 17), (12, 20, 4, 40))


def valid_steps(kind, shape):
    steps, batch = shape[:2]
    if kind == "lengths":
        return {"lengths": np.append(RNG.integers(0, steps, batch - 1), steps - 1)}
    return {"mask": RNG.random((batch, steps)) < 0.6}


kinds = pytest.mark.parametrize("kind", ["lengths", "gaps"])
masked_outputs = pytest.mark.parametrize("masked_output", ["zero", "hold"])


@kinds
@masked_outputs
@pytest.mark.parametrize("batch_first", [False, True], ids=["time_first", "batch_first"])
@pytest.mark.parametrize("shape", STACKS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_stack_is_one_call_per_layer(
    dtype, shape, batch_first, masked_output, kind, threads_restored
):
    cells = [(LSTM, GRU, RNN)[k % 3] for k in range(len(shape[3]))]
    problem = stack_problem(cells, shape, dtype, batch_first)
    options = {"batch_first": batch_first, "masked_output": masked_output}
    options |= valid_steps(kind, shape)
    expected = stack_by_hand(functional, *problem, **options)
    for threads in (1, 2, 3):
        set_num_threads(threads)
        compare(run_stack(*problem, **options), expected, same, same)
    out = functional.rnn_stack_forward(*problem[:3], **options)
    same(out.y, expected[0][0])


@kinds
@masked_outputs
@pytest.mark.parametrize("batch_first", [False, True], ids=["time_first", "batch_first"])
@pytest.mark.parametrize("shape", DIRECTIONS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_directions_are_one_call_each(
    dtype, shape, batch_first, masked_output, kind, threads_restored
):
    problem = directions_problem((LSTM, GRU), shape, dtype, batch_first)
    options = {"batch_first": batch_first, "masked_output": masked_output}
    options |= valid_steps(kind, shape)
    expected = directions_by_hand(functional, *problem, **options)
    for threads in (1, 2, 3):
        set_num_threads(threads)
        compare(run_directions(*problem, **options), expected, same, same)


def test_no_valid_step_passes_the_states_through():
    layers, x, states, dy, dstates = stack_problem((LSTM, GRU), (9, 3, 4, (6, 5)))
    (y, last), (dx, first, weights) = run_stack(layers, x, states, dy, dstates, lengths=[0, 0, 0])
    pair, *rest = directions_problem((LSTM, GRU), (9, 3, 4, 6))
    (y_both, last_both), (dx_both, first_both, both) = run_directions(
        pair, *rest, mask=np.zeros((3, 9), bool)
    )
    for zeros in (y, dx, y_both, dx_both):
        assert not zeros.any()
    for gradients in (*weights, *both):
        assert not any(array.any() for array in gradients.arrays().values())
    passed = [(last, states), (first, dstates), (last_both, rest[1]), (first_both, rest[3])]
    for got, given in passed:
        for state, other in zip(got, given, strict=True):
            for part, other_part in zip(state, other, strict=True):
                same(part, other_part)
