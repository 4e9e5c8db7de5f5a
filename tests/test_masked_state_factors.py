"""Factors on the state and sequences of different lengths together."""

import numpy as np
import pytest

import tidegate
from cases import DTYPES, PLAIN_CELLS, make_problem
from engine_runs import all_arrays, assert_gradients_close, assert_outputs_close, assert_same_bits
from state_factor_runs import factors_of, run
from tidegate import functional, reference
from tolerances import assert_gradient_close

KINDS = ("constant scale", "scale and keep", "number keep")


def masks(shape):
    steps, batch = shape[:2]
    rng = np.random.default_rng([9, *shape])
    gaps = rng.random((batch, steps)) < 0.6
    gaps[0] = False  # no valid step
    return {
        "lengths": {"lengths": rng.integers(0, steps + 1, batch)},
        "gaps": {"mask": gaps, "masked_output": "hold"},
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_engine_matches_reference(case, kind, dtype):
    for shape in ((1, 1, 1, 1), (6, 5, 2, 7), (5, 9, 4, 33)):
        for name, which in masks(shape).items():
            problem = make_problem(case, shape, dtype)
            factors = factors_of(kind, case, shape, dtype)
            layout = which | {"go_backwards": name == "lengths"}
            out, grads = run(functional, problem, factors, **layout)
            expected, expected_grads = run(reference, problem, factors, **layout)
            assert_outputs_close(out, expected, problem.weights)
            assert_gradients_close(grads, expected_grads)
            if "state_scale" in factors:
                assert_gradient_close(grads.state_scale, expected_grads.state_scale)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_a_scale_for_each_gate_acts_as_on_the_sequence_alone(case):
    shape = (6, 7, 3, 20)
    problem = make_problem(case, shape)
    scale = factors_of("gates", case, shape, np.float64)["recurrent_scale"]
    scale = scale[: problem.weights.gates]
    lengths = np.array([6, 0, 3, 6, 1, 5, 2])
    out, grads = run(functional, problem, {"recurrent_scale": scale}, lengths=lengths)
    total = {name: np.zeros_like(q) for name, q in problem.weights.arrays().items()}
    for b, n in enumerate(lengths):
        row = slice(b, b + 1)
        state = tuple(part[row] for part in problem.state)
        dstate = tuple(part[row] for part in problem.dstate)
        alone = functional.rnn_forward(
            problem.weights,
            problem.x[:n, row],
            state,
            training=True,
            recurrent_scale=np.ascontiguousarray(scale[:, row]),
        )
        np.testing.assert_array_equal(alone.y, out.y[:n, row])
        part = functional.rnn_backward(alone.saved, problem.dy[:n, row], dstate)
        np.testing.assert_array_equal(part.x, grads.x[:n, row])
        for name, array in part.weights.arrays().items():
            total[name] += array
    for name, array in grads.weights.arrays().items():
        assert_gradient_close(array, total[name], name)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("which", ["lengths", "gaps"])
def test_a_share_that_is_not_read_may_be_anything(which, batch_first):
    shape = (6, 5, 2, 7)
    problem = make_problem(PLAIN_CELLS[0], shape)
    options = masks(shape)[which]
    mask = options.get("mask")
    if mask is None:
        mask = np.arange(6) < options["lengths"][:, None]
    valid = mask.T[..., None]
    keep = np.random.default_rng(3).random((6, 5, 7))
    results = []
    for hidden in (0.5, np.nan, -7.0):
        array = np.where(valid, keep, hidden)
        x, dy = problem.x, problem.dy
        if batch_first:
            array, x, dy = (a.swapaxes(0, 1).copy() for a in (array, x, dy))
        out = functional.rnn_forward(
            problem.weights,
            x,
            state_keep=array,
            training=True,
            batch_first=batch_first,
            **options,
        )
        results.append(all_arrays(out, functional.rnn_backward(out.saved, dy)))
    assert_same_bits(results[1], results[0])
    assert_same_bits(results[2], results[0])
    bad = np.where(valid, np.nan, keep)
    if batch_first:
        bad = bad.swapaxes(0, 1)
    for wrong, message in (
        (options, r"state_keep has values in nan\.\.nan; expected shares of h_prev in 0\.\.1"),
        ({"mask": np.ones((5, 5), bool)}, "mask has shape"),
        ({"lengths": [[1, 2]]}, "lengths has shape"),
    ):
        with pytest.raises(ValueError, match=f"rnn_forward: {message}"):
            functional.rnn_forward(
                problem.weights, x, state_keep=bad, batch_first=batch_first, **wrong
            )


@pytest.mark.parametrize("share", [True, np.True_])
def test_a_flag_is_no_share(share):
    problem = make_problem(PLAIN_CELLS[0], (3, 2, 1, 4))
    with pytest.raises(TypeError, match=r"rnn_forward: state_keep is True; expected a number in"):
        functional.rnn_forward(problem.weights, problem.x, state_keep=share)


@pytest.mark.usefixtures("threads_restored")
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_same_bits_at_any_thread_count(case):
    shape = (9, 67, 20, 41)
    problem = make_problem(case, shape, np.float32)
    for name, which in masks(shape).items():
        kind = "scale and keep" if name == "gaps" else "gates"
        factors = factors_of(kind, case, shape, np.float32)
        if kind == "gates":
            factors["recurrent_scale"] = factors["recurrent_scale"][: problem.weights.gates]
        results = []
        for threads in (1, 2, 3):
            tidegate.set_num_threads(threads)
            out, grads = run(functional, problem, factors, **which)
            named = all_arrays(out, grads)
            if grads.state_scale is not None:
                named["dscale"] = grads.state_scale
            results.append(named)
        assert_same_bits(results[1], results[0])
        assert_same_bits(results[2], results[0])
