"""return_cell_states and dcell_states: c after each step of an LSTM, and gradients by it."""

import numpy as np
import pytest

import tidegate
from cases import ALL_CELLS, CellCase, make_arrays, make_problem
from engine_runs import refuses
from numeric_gradient import numeric_gradients
from tidegate import CellWeights, functional, reference
from tolerances import (
    assert_differences_close,
    assert_forward_close,
    assert_gradient_close,
)

LSTMS = tuple(case for case in ALL_CELLS if case.cell == "lstm")
GAPS = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]], bool)
LAYOUTS = (
    {},
    {"batch_first": True},
    {"go_backwards": True},
    {"mask": GAPS},
    {"mask": GAPS, "masked_output": "hold", "go_backwards": True},
)
NAMES = ("time first", "batch first", "backwards", "mask", "mask held backwards")
SHAPE = (4, 5, 3, 17)


def problem_of(case, dtype=np.float64, shape=SHAPE):
    problem = make_problem(case, shape, dtype)
    size = (shape[0], *problem.state[1].shape)
    problem.dcells = np.random.default_rng(3).normal(size=size).astype(dtype) / 2
    return problem


def run(doors, problem, **layout):
    swap = layout.get("batch_first", False)
    x, dy, dcells = (
        np.swapaxes(a, 0, 1) if swap else a for a in (problem.x, problem.dy, problem.dcells)
    )
    out = doors.rnn_forward(
        problem.weights, x, problem.state, training=True, return_cell_states=True, **layout
    )
    return out, doors.rnn_backward(out.saved, dy, problem.dstate, dcell_states=dcells)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
@pytest.mark.parametrize("case", LSTMS, ids=str)
def test_matches_the_reference(case, layout, dtype):
    problem = problem_of(case, dtype)
    out, grads = run(functional, problem, **layout)
    expected, expected_grads = run(reference, problem, **layout)
    assert out.cell_states.dtype == dtype
    assert_forward_close(out.cell_states, expected.cell_states, "cell_states")
    assert_gradient_close(grads.x, expected_grads.x, "x")
    for k in (0, 1):
        assert_gradient_close(grads.state[k], expected_grads.state[k], f"state[{k}]")
    for name, array in grads.weights.arrays().items():
        assert_gradient_close(array, getattr(expected_grads.weights, name), name)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("peephole", [None, "full"])
def test_each_is_the_final_state_of_the_steps_before(peephole, return_sequences, training):
    problem = problem_of(CellCase("lstm", peephole=peephole), np.float32, (6, 13, 3, 70))
    options = {"training": training, "return_sequences": return_sequences}
    out = functional.rnn_forward(
        problem.weights, problem.x, problem.state, return_cell_states=True, **options
    )
    for t in range(6):
        part = functional.rnn_forward(problem.weights, problem.x[: t + 1], problem.state)
        np.testing.assert_array_equal(out.cell_states[t], part.state[1])


@pytest.mark.parametrize("case", [LSTMS[0], *(c for c in LSTMS if c.coupled)], ids=str)
def test_gradients_match_finite_differences(case):
    problem = problem_of(case, shape=(3, 2, 2, 3))
    layout = {"go_backwards": case.coupled == "input"}

    def forward(arrays, x, state):
        w = CellWeights(case.cell, **arrays, **case.options)
        out = functional.rnn_forward(w, x, state, return_cell_states=True, **layout)
        # The loss is linear in what is returned: c joins y, as more units of it.
        joined = np.concatenate([out.y, out.cell_states], axis=2)
        return functional.RNNOutput(joined, out.state, None)

    _, grads = run(functional, problem, **layout)
    problem.dy = np.concatenate([problem.dy, problem.dcells], axis=2)
    numeric = numeric_gradients(forward, problem, np.float64)
    analytic = {"x": grads.x, **grads.weights.arrays()}
    analytic |= {f"state[{k}]": part for k, part in enumerate(grads.state)}
    assert_differences_close(analytic, numeric, np.float64)


def test_same_bits_on_any_number_of_threads(threads_restored):
    problem = problem_of(CellCase("lstm"), np.float32, (6, 13, 3, 70))
    results = []
    for threads in (1, 2, 3):
        tidegate.set_num_threads(threads)
        out, grads = run(functional, problem)
        results.append((out.cell_states, grads.x, grads.weights.weight_hh, grads.state[1]))
    for other in results[1:]:
        for got, expected in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("shape", [(0, 2, 3, 4), (2, 0, 3, 4)], ids=str)
def test_without_steps_or_rows(shape):
    out, grads = run(functional, problem_of(CellCase("lstm"), shape=shape))
    assert out.cell_states.shape == (shape[0], shape[1], 4)
    assert not np.any(grads.weights.weight_ih)


def test_bad_arguments():
    gru = CellWeights("gru", **make_arrays(CellCase("gru"), 2, 3))
    with refuses(ValueError, "rnn_forward: return_cell_states is True", 'only "lstm" has'):
        functional.rnn_forward(gru, np.zeros((2, 1, 2)), return_cell_states=True)
    with refuses(TypeError, "rnn_forward: return_cell_states is 'yes'; expected True or False"):
        functional.rnn_forward(gru, np.zeros((2, 1, 2)), return_cell_states="yes")
    saved = functional.rnn_forward(gru, np.zeros((2, 1, 2)), training=True).saved
    with refuses(ValueError, "rnn_backward: dcell_states is given", 'only "lstm" has'):
        functional.rnn_backward(saved, dcell_states=np.zeros((2, 1, 3)))
    lstm = CellWeights("lstm", **make_arrays(CellCase("lstm"), 2, 3))
    saved = functional.rnn_forward(lstm, np.zeros((2, 1, 2)), training=True).saved
    with refuses(ValueError, "rnn_backward: dcell_states has shape (2, 1, 4); expected (2, 1, 3)"):
        functional.rnn_backward(saved, dcell_states=np.zeros((2, 1, 4)))
