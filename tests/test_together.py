"""Two directions, or stacked layers, in one call: the bits of one call per layer."""

import numpy as np
import pytest

from cases import ALL_CELLS, DTYPES, PLAIN_CELLS, CellCase, make_weights
from tidegate import functional, reference, set_num_threads
from tolerances import assert_forward_close, assert_gradient_close

LSTM, GRU, RNN = PLAIN_CELLS[0], PLAIN_CELLS[3], PLAIN_CELLS[-1]
LSTMP = CellCase("lstm", projects=True)
# (T, B, I, units of each layer): one of everything, pieces that are not equal, many layers.
STACKS = (
    (1, 1, 1, (1, 1)),
    (29, 1, 3, (16, 7)),
    (10, 3, 5, (4, 9, 1)),
    (40, 2, 2, (8, 8, 8, 8, 8)),
)
SHAPES = ((1, 1, 1, 1), (29, 1, 3, 17), (6, 5, 4, 10))


def layers_of(cells, inputs, units, dtype=np.float64):
    layers = []
    for k, case in enumerate(cells):
        layers.append(make_weights(case, inputs, units[k], dtype, seed=k))
        inputs = layers[-1].output_size
    return layers


def normal(seed, *shape, dtype=np.float64):
    return (0.5 * np.random.default_rng([seed, *shape]).standard_normal(shape)).astype(dtype)


def state_of(weights, batch, seed, dtype=np.float64):
    sizes = weights.state_sizes
    return tuple(normal(seed + k, batch, size, dtype=dtype) for k, size in enumerate(sizes))


def stack_by_hand(doors, layers, x, states, dy, dstates, **layout):
    """One call per layer: (y, states), (dx, dstates, gradients by the layer)."""
    saved, last = [], []
    for weights, state in zip(layers, states, strict=True):
        out = doors.rnn_forward(weights, x, state, training=True, **layout)
        x = out.y
        saved.append(out.saved)
        last.append(out.state)
    first, gradients = [], []
    for kept, dstate in zip(saved[::-1], dstates[::-1], strict=True):
        grads = doors.rnn_backward(kept, dy, dstate)
        dy = grads.x
        first.append(grads.state)
        gradients.append(grads.weights)
    return (x, last), (dy, first[::-1], gradients[::-1])


def directions_by_hand(doors, pair, x, states, dy, dstates, **layout):
    """One call per direction: (y, states), (dx, dstates, gradients by the direction)."""
    outs = [
        doors.rnn_forward(w, x, state, training=True, go_backwards=k == 1, **layout)
        for k, (w, state) in enumerate(zip(pair, states, strict=True))
    ]
    halves = np.split(dy, [pair[0].output_size], axis=-1)
    grads = [
        doors.rnn_backward(out.saved, half, dstate)
        for out, half, dstate in zip(outs, halves, dstates, strict=True)
    ]
    y = np.concatenate([out.y for out in outs], axis=-1)
    dx = grads[0].x + grads[1].x
    return (y, [out.state for out in outs]), (
        dx,
        [g.state for g in grads],
        [g.weights for g in grads],
    )


def compare(got, expected, check_values, check_gradients):
    """Compare ((y, states), (dx, dstates, gradients)) of two runs."""
    for kind, check in ((0, check_values), (1, check_gradients)):
        check(got[kind][0], expected[kind][0])
        for state, other in zip(got[kind][1], expected[kind][1], strict=True):
            assert len(state) == len(other)
            for part, other_part in zip(state, other, strict=True):
                check(part, other_part)
    for grads, other in zip(got[1][2], expected[1][2], strict=True):
        assert grads.arrays().keys() == other.arrays().keys()
        for name, array in other.arrays().items():
            check_gradients(grads.arrays()[name], array)


def same(got, expected):
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected, strict=True)


def close(got, expected):
    compare(got, expected, assert_forward_close, assert_gradient_close)


def swap(x, batch_first):
    return np.ascontiguousarray(x.swapaxes(0, 1)) if batch_first else x


def run_stack(layers, x, states, dy, dstates, **layout):
    out = functional.rnn_stack_forward(layers, x, states, training=True, **layout)
    grads = functional.rnn_stack_backward(out.saved, dy, dstates)
    return (out.y, out.states), (grads.x, grads.states, grads.weights)


def by_direction(state, pair):
    first = 2 if pair[0].cell == "lstm" else 1
    return [state[:first], state[first:]]


def run_directions(pair, x, states, dy, dstates, **layout):
    out = functional.birnn_forward(*pair, x, states[0] + states[1], training=True, **layout)
    grads = functional.birnn_backward(out.saved, dy, dstates[0] + dstates[1])
    weights = (grads.forward_weights, grads.backward_weights)
    return (out.y, by_direction(out.state, pair)), (
        grads.x,
        by_direction(grads.state, pair),
        weights,
    )


def stack_problem(cells, shape, dtype=np.float64, batch_first=False):
    steps, batch, inputs, units = shape
    layers = layers_of(cells, inputs, units, dtype)
    x = swap(normal(1, steps, batch, inputs, dtype=dtype), batch_first)
    dy = swap(normal(2, steps, batch, layers[-1].output_size, dtype=dtype), batch_first)
    states, dstates = ([state_of(w, batch, seed, dtype) for w in layers] for seed in (3, 5))
    return layers, x, states, dy, dstates


def directions_problem(cells, shape, dtype=np.float64, batch_first=False):
    steps, batch, inputs, units = shape
    pair = [make_weights(case, inputs, units + k, dtype, seed=k) for k, case in enumerate(cells)]
    x = swap(normal(1, steps, batch, inputs, dtype=dtype), batch_first)
    width = sum(w.output_size for w in pair)
    dy = swap(normal(2, steps, batch, width, dtype=dtype), batch_first)
    states, dstates = ([state_of(w, batch, seed, dtype) for w in pair] for seed in (3, 5))
    return pair, x, states, dy, dstates


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time_first", "batch_first"])
@pytest.mark.parametrize("shape", STACKS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_stack_is_one_call_per_layer(dtype, shape, batch_first, threads, threads_restored):
    set_num_threads(threads)
    cells = [(LSTM, LSTMP, GRU, RNN)[k % 4] for k in range(len(shape[3]))]
    problem = stack_problem(cells, shape, dtype, batch_first)
    expected = stack_by_hand(functional, *problem, batch_first=batch_first)
    compare(run_stack(*problem, batch_first=batch_first), expected, same, same)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("batch_first", [False, True], ids=["time_first", "batch_first"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_directions_are_one_call_each(dtype, shape, batch_first, threads, threads_restored):
    set_num_threads(threads)
    problem = directions_problem((LSTMP, GRU), shape, dtype, batch_first)
    expected = directions_by_hand(functional, *problem, batch_first=batch_first)
    compare(run_directions(*problem, batch_first=batch_first), expected, same, same)


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_stack_matches_the_reference(case):
    problem = stack_problem((case, case), (9, 3, 4, (6, 5)))
    close(run_stack(*problem), stack_by_hand(reference, *problem))


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_directions_match_the_reference(case):
    problem = directions_problem((case, case), (9, 3, 4, 6))
    close(run_directions(*problem), directions_by_hand(reference, *problem))


def test_only_the_last_state_and_what_is_asked_for():
    layers, x, _, _, _ = stack_problem((LSTM, GRU), (9, 3, 4, (6, 5)))
    full = functional.rnn_stack_forward(layers, x, training=True)
    out = functional.rnn_stack_forward(layers, x, [None, None], return_sequences=False)
    assert out.y is None and out.saved is None and not full.y.flags.writeable
    same(out.states[1][0], full.y[-1])
    dh = normal(7, 3, 5)
    dy = np.zeros_like(full.y)
    dy[-1] = dh
    by_y = functional.rnn_stack_backward(full.saved, dy)
    kept = functional.rnn_stack_forward(layers, x, training=True, return_sequences=False).saved
    into = [w.empty_like() for w in layers]
    by_state = functional.rnn_stack_backward(kept, None, [None, (dh,)], need_dx=False, out=into)
    assert by_state.x is None
    assert all(got is given for got, given in zip(by_state.weights, into, strict=True))
    for got, expected in zip(by_state.weights, by_y.weights, strict=True):
        for name, array in expected.arrays().items():
            assert_gradient_close(got.arrays()[name], array, name)

    out = functional.birnn_forward(layers[0], layers[0], x, return_sequences=False)
    both = functional.birnn_forward(layers[0], layers[0], x, training=True)
    assert out.y is None and len(out.state) == 4
    same(out.state[0], both.y[-1, :, :6])
    same(out.state[2], both.y[0, :, 6:])
    grads = functional.birnn_backward(both.saved, None, (None, None, normal(8, 3, 6), None))
    assert not grads.forward_weights.weight_hh.any() and grads.backward_weights.weight_hh.any()


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3)], ids=str)
def test_no_steps_or_no_rows(shape):
    layers = layers_of((LSTM, GRU), 3, (5, 5))
    x, batch = np.ones(shape), shape[1]
    states = [state_of(w, batch, 3) for w in layers]
    out = functional.rnn_stack_forward(layers, x, states, training=True)
    grads = functional.rnn_stack_backward(out.saved, np.ones(out.y.shape), states)
    assert out.y.shape == (*shape[:2], 5) and grads.x.shape == shape
    for k, weights in enumerate(grads.weights):
        assert not any(array.any() for array in weights.arrays().values())
        for part, other in zip(grads.states[k], states[k], strict=True):
            same(part, other)
    both = functional.birnn_forward(layers[0], layers[0], x, states[0] * 2, training=True)
    grads = functional.birnn_backward(both.saved, np.ones(both.y.shape), states[0] * 2)
    assert both.y.shape == (*shape[:2], 10)
    for part, other in zip(grads.state, states[0] * 2, strict=True):
        same(part, other)
