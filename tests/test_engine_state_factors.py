"""state_scale, recurrent_scale and state_keep: against the reference, differences, other paths."""

import dataclasses
import itertools

import numpy as np
import pytest

import tidegate
from cases import ALL_CELLS, DTYPES, GATES, PLAIN_CELLS, make_problem
from engine_runs import (
    all_arrays,
    assert_gradients_close,
    assert_outputs_close,
    assert_same_bits,
    assert_same_parts,
)
from numeric_gradient import analytic_gradients, numeric_gradients
from state_factor_runs import KINDS, factors_of, run
from tidegate import CellWeights, functional, reference
from tolerances import (
    assert_differences_close,
    assert_forward_close,
    assert_gradient_close,
)


def swap(problem, factors):
    """The same batch first."""
    swapped = {
        name: value.swapaxes(0, 1) if np.ndim(value) == 3 else value
        for name, value in factors.items()
    }
    x, dy = (np.ascontiguousarray(q.swapaxes(0, 1)) for q in (problem.x, problem.dy))
    return dataclasses.replace(problem, x=x, dy=dy), swapped


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_engine_matches_reference(case, kind, dtype):
    shapes = ((1, 1, 1, 1), (5, 3, 2, 7), (4, 7, 5, 17), (3, 2, 4, 70))
    layouts = itertools.cycle(itertools.product((False, True), (False, True)))
    for shape, (go_backwards, batch_first) in zip(shapes, layouts, strict=False):
        problem = make_problem(case, shape, dtype)
        factors = factors_of(kind, case, shape, dtype)
        if batch_first:
            problem, factors = swap(problem, factors)
        layout = {"go_backwards": go_backwards, "batch_first": batch_first}
        out, grads = run(functional, problem, factors, **layout)
        expected, expected_grads = run(reference, problem, factors, **layout)
        assert_outputs_close(out, expected, problem.weights)
        assert_gradients_close(grads, expected_grads)
        if "state_scale" in factors:
            assert_gradient_close(grads.state_scale, expected_grads.state_scale)
        inference = functional.rnn_forward(
            problem.weights, problem.x, problem.state, **layout, **factors
        )
        np.testing.assert_array_equal(inference.y, out.y)


def difference_shape(case):
    """Small. A normalised row of one input or of two units all but jumps where its sign changes."""
    return (3, 2, 3, 3) if case.normalizes else (3, 2, 1, 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_gradients_match_finite_differences(case, kind):
    shape = difference_shape(case)
    problem, factors = make_problem(case, shape), factors_of(kind, case, shape, np.float64)
    _, grads = run(functional, problem, factors, go_backwards=True)
    analytic = analytic_gradients(grads)

    def forward(arrays, x, state):
        w = CellWeights(case.cell, **arrays, **case.options)
        return functional.rnn_forward(w, x, state, go_backwards=True, **factors)

    numeric = numeric_gradients(forward, problem, np.float64)
    if "state_scale" in factors:

        def forward_of_scale(arrays, scale, state):
            w = CellWeights(case.cell, **arrays, **case.options)
            given = factors | {"state_scale": scale}
            return functional.rnn_forward(w, problem.x, state, go_backwards=True, **given)

        scales = dataclasses.replace(problem, x=factors["state_scale"])
        numeric["scale"] = numeric_gradients(forward_of_scale, scales, np.float64)["x"]
        analytic["scale"] = grads.state_scale
    assert_differences_close(analytic, numeric, np.float64)


@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_gradients_match_finite_differences_with_a_scale_for_each_gate(case):
    shape = difference_shape(case)
    problem, factors = make_problem(case, shape), factors_of("gates", case, shape, np.float64)
    factors["recurrent_scale"] = factors["recurrent_scale"][: problem.weights.gates]
    factors |= factors_of("keep", case, shape, np.float64)

    def forward(arrays, x, state):
        w = CellWeights(case.cell, **arrays, **case.options)
        return functional.rnn_forward(w, x, state, **factors)

    grads = run(functional, problem, factors)[1]
    numeric = numeric_gradients(forward, problem, np.float64)
    assert_differences_close(analytic_gradients(grads), numeric, np.float64)


def scaled_rows(problem, scale, run_row):
    """Run each sequence alone with R_q diag(scale_q) for R_q: what recurrent_scale amounts to."""
    w, hidden = problem.weights, problem.weights.hidden_size
    for b in range(problem.x.shape[1]):
        columns = np.repeat(scale[:, b], hidden, axis=0)  # (G*H, H)
        arrays = {name: q.astype(np.float64) for name, q in w.arrays().items()}
        arrays["weight_hh"] = arrays["weight_hh"] * columns
        options = {"activation": w.activation, "recurrent_activation": w.recurrent_activation}
        options |= {"reset_after": w.reset_after, "update": w.update}
        row = slice(b, b + 1)
        run_row(
            row,
            columns,
            dataclasses.replace(
                problem,
                weights=reference.Weights(w.cell, **arrays, **options),
                x=problem.x[:, row],
                state=tuple(part[row] for part in problem.state),
                dy=problem.dy[:, row],
                dstate=tuple(part[row] for part in problem.dstate),
            ),
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["gates", "one for all gates"])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_recurrent_scale_is_a_scale_of_the_columns_of_r(case, kind, dtype):
    gates = GATES[case.cell]
    for shape in ((1, 1, 1, 1), (5, 3, 2, 7), (4, 9, 5, 17), (3, 2, 4, 134)):
        problem = make_problem(case, shape, dtype)
        scale = factors_of(kind, case, shape, dtype)["recurrent_scale"]
        scale = scale[:gates] if kind == "gates" else scale
        out, grads = run(functional, problem, {"recurrent_scale": scale})
        total = dict.fromkeys(problem.weights.arrays(), 0.0)

        def compare(row, columns, alone, out=out, grads=grads, total=total):
            expected, expected_grads = run(reference, alone, {})
            assert_forward_close(out.y[:, row], expected.y)
            assert_gradient_close(grads.x[:, row], expected_grads.x, engines=2)
            for got, part in zip(grads.state, expected_grads.state, strict=True):
                assert_gradient_close(got[row], part, engines=2)
            arrays = expected_grads.weights.arrays()
            arrays["weight_hh"] = arrays["weight_hh"] * columns
            for name, array in arrays.items():
                total[name] = total[name] + array

        scaled_rows(problem, np.broadcast_to(scale, (gates, *scale.shape[-2:])), compare)
        for name, array in grads.weights.arrays().items():
            assert_gradient_close(array, total[name], name)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_factors_that_change_nothing_keep_every_bit(case):
    problem = make_problem(case, (5, 7, 3, 33), np.float32)
    plain = functional.rnn_forward(problem.weights, problem.x, problem.state)
    ones = np.ones((7, case.output_size(33)), np.float32)
    gates = np.ones((GATES[case.cell], *ones.shape), np.float32)
    for factors in (
        {"state_scale": ones, "state_keep": 0},
        {"recurrent_scale": ones},
        {"recurrent_scale": gates, "state_keep": np.zeros((5, *ones.shape), np.float32)},
    ):
        out = functional.rnn_forward(problem.weights, problem.x, problem.state, **factors)
        np.testing.assert_array_equal(out.y, plain.y)
        assert_same_parts(out.state, plain.state)


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_state_that_is_kept_whole_stays(case):
    problem = make_problem(case, (5, 3, 2, 9), np.float32)
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, state_keep=1.0)
    for step in out.y:
        np.testing.assert_array_equal(step, problem.state[0])


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_only_the_last_state_is_wanted(case):
    shape = (6, 3, 2, 9)
    problem, factors = (
        make_problem(case, shape),
        factors_of("scale and keep", case, shape, np.float64),
    )
    out, grads = run(functional, problem, factors, return_sequences=False)
    assert out.y is None
    expected = reference.rnn_forward(
        problem.weights, problem.x, problem.state, training=True, **factors
    )
    expected_grads = reference.rnn_backward(expected.saved, None, problem.dstate)
    assert_forward_close(out.state[0], expected.state[0])
    assert_gradients_close(grads, expected_grads)
    plain = functional.rnn_forward(
        problem.weights, problem.x, problem.state, return_sequences=False, **factors
    )
    assert_same_parts(plain.state, out.state)


@pytest.mark.usefixtures("threads_restored")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["scale and keep", "gates", "one for all gates"])
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_same_bits_at_any_thread_count(case, kind, dtype):
    for shape in ((6, 3, 70, 259), (9, 67, 20, 41)):
        problem, factors = make_problem(case, shape, dtype), factors_of(kind, case, shape, dtype)
        if kind == "gates":
            factors["recurrent_scale"] = factors["recurrent_scale"][: GATES[case.cell]]
            factors |= factors_of("keep", case, shape, dtype)
        results = []
        for threads in (1, 2, 3):
            tidegate.set_num_threads(threads)
            out, grads = run(functional, problem, factors)
            named = all_arrays(out, grads)
            if grads.state_scale is not None:
                named["dscale"] = grads.state_scale
            results.append(named)
        assert_same_bits(results[1], results[0])
        assert_same_bits(results[2], results[0])


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_a_row_has_the_same_bits_in_any_batch_and_a_nan_stays_in_its_row(case):
    shape = (6, 23, 9, 34)
    problem, factors = (
        make_problem(case, shape),
        factors_of("scale and keep", case, shape, np.float64),
    )
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, **factors)
    alone = functional.rnn_forward(
        problem.weights,
        problem.x[:, 7:8],
        tuple(part[7:8] for part in problem.state),
        **{name: value[:, 7:8] for name, value in factors.items()},
    )
    np.testing.assert_array_equal(alone.y[:, 0], out.y[:, 7])
    factors["state_scale"][2, 7] = np.nan
    spoilt = functional.rnn_forward(problem.weights, problem.x, problem.state, **factors)
    assert np.isnan(spoilt.y[2:, 7]).any()
    np.testing.assert_array_equal(np.delete(spoilt.y, 7, axis=1), np.delete(out.y, 7, axis=1))


def test_masks_that_are_constant_over_time_cost_no_memory_for_each_step():
    case, shape = PLAIN_CELLS[0], (50, 2, 3, 8)
    problem = make_problem(case, shape)
    factors = functional.state_factors.state_factors(
        "test", problem.weights, problem.x, False, np.ones((2, 8)), None, 0.5
    )
    assert factors.scale.strides[1] == 0
    assert factors.keep.strides[0] == 0
