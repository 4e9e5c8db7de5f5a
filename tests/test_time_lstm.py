"""T-LSTM: CellWeights with weight_cc, and memory_decay of rnn_forward."""

import dataclasses
import itertools

import numpy as np
import pytest

import tidegate
from cases import DTYPES
from engine_runs import (
    all_arrays,
    assert_gradients_close,
    assert_outputs_close,
    assert_same_bits,
)
from numeric_gradient import analytic_gradients, numeric_gradients
from tidegate import CellWeights, functional, reference
from time_lstm_problems import (
    CASES,
    OPTIONS,
    batch_first,
    list_of,
    options_of,
    run,
    time_problem,
    time_weights,
)
from tolerances import assert_differences_close, assert_forward_close, assert_gradient_close


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_engine_matches_reference(case, name, dtype):
    shapes = ((1, 1, 1, 1), (5, 3, 2, 7), (4, 7, 5, 17), (6, 2, 3, 70))
    layouts = itertools.cycle(itertools.product((False, True), (False, True)))
    if (name, case) not in itertools.product(OPTIONS[:1], CASES):
        shapes = shapes[1:3]  # the pairs: two shapes
    if name == "gates" and case.projects:
        shapes = shapes[:1]
    for shape, (backwards, first) in zip(shapes, layouts, strict=False):
        problem, (given, back) = (
            time_problem(case, shape, dtype),
            options_of(name, case, shape, dtype),
        )
        if first:
            problem, given, back = batch_first(problem, given, back)
        layout = {"go_backwards": backwards, "batch_first": first}
        out, grads = run(functional, problem, given, back, **layout)
        inference = functional.rnn_forward(
            problem.weights, problem.x, problem.state, **given, **layout
        )
        np.testing.assert_array_equal(inference.y, out.y)
        if name == "gates":  # the reference has no scale for each gate: differences, below
            continue
        expected, expected_grads = run(reference, problem, given, back, **layout)
        assert_outputs_close(out, expected, problem.weights)
        assert_gradients_close(grads, expected_grads)
        assert_gradient_close(grads.memory_decay, expected_grads.memory_decay, "memory_decay")
        if out.cell_states is not None:
            assert_forward_close(out.cell_states, expected.cell_states)
        if grads.state_scale is not None:
            assert_gradient_close(grads.state_scale, expected_grads.state_scale)


def assert_differences(doors, case, name, wide):
    shape = (3, 2, 1, 2)
    problem, (given, _) = time_problem(case, shape), options_of(name, case, shape, np.float64)
    kind = CellWeights if doors is functional else reference.Weights
    given |= {"go_backwards": True}
    problem = dataclasses.replace(
        problem,
        weights=kind(case.cell, **problem.weights.arrays(), **case.options),
        x=problem.x.astype(wide),
    )
    grads = run(doors, problem, given)[1]

    def forward(arrays, x, state, **more):
        w = kind(case.cell, **arrays, **case.options)
        return doors.rnn_forward(w, x, state, **(given | more))

    def forward_of_decay(arrays, decay, state):
        return forward(arrays, problem.x, state, memory_decay=decay)

    numeric = numeric_gradients(forward, problem, wide)
    decays = dataclasses.replace(problem, x=given["memory_decay"])
    numeric["decay"] = numeric_gradients(forward_of_decay, decays, wide)["x"]
    analytic = analytic_gradients(grads) | {"decay": grads.memory_decay}
    assert_differences_close(analytic, numeric, wide)


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "cell states"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_match_finite_differences(case, name):
    assert_differences(functional, case, name, np.float64)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reference_matches_finite_differences(case):
    assert_differences(reference, case, "none", np.longdouble)


def torch_lstm(torch, w, x, h, c, decay):
    """The formula of the paper, as PyTorch's autograd sees it."""
    ys = []
    for x_t, d in zip(x, decay, strict=True):
        short = torch.tanh(c @ w["weight_cc"].T + w["bias_cc"])
        c = c - short + d[:, None] * short
        a = x_t @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"]
        a_i, a_f, a_g, a_o = a.chunk(4, dim=1)
        c = torch.sigmoid(a_f) * c + torch.sigmoid(a_i) * torch.tanh(a_g)
        h = torch.sigmoid(a_o) * torch.tanh(c)
        ys.append(h)
    return torch.stack(ys), h, c


@pytest.mark.parametrize("seed", range(8))
def test_parity_with_autograd_of_torch(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, (12, 9, 9, 40)))
    problem = time_problem(CASES[0], shape)
    gaps = rng.exponential(rng.choice([0.1, 3, 100]), shape[:2])
    decay = tidegate.sequences.memory_decay(gaps, str(rng.choice(["log", "inverse"])))
    out, grads = run(functional, problem, {"memory_decay": decay})

    def leaf(array):
        return torch.tensor(array, dtype=torch.float64, requires_grad=True)

    w = {name: leaf(array) for name, array in problem.weights.arrays().items()}
    x, h0, c0, d = (leaf(q) for q in (problem.x, *problem.state, decay))
    y, h, c = torch_lstm(torch, w, x, h0, c0, d)
    dy, dh, dc = (torch.tensor(q) for q in (problem.dy, *problem.dstate))
    ((y * dy).sum() + (h * dh).sum() + (c * dc).sum()).backward()
    for got, expected in zip((out.y, *out.state), (y, h, c), strict=True):
        assert_forward_close(got, expected.detach().numpy())
    pairs = [(grads.x, x), (grads.state[0], h0), (grads.state[1], c0), (grads.memory_decay, d)]
    pairs += [(array, w[name]) for name, array in grads.weights.arrays().items()]
    for got, expected in pairs:
        assert_gradient_close(got, expected.grad.numpy(), engines=2)


@pytest.mark.usefixtures("threads_restored")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_same_bits_at_any_thread_count(case, dtype):
    for shape, name in (((6, 3, 70, 259), "none"), ((9, 67, 20, 41), "all")):
        problem, (given, back) = (
            time_problem(case, shape, dtype),
            options_of(name, case, shape, dtype),
        )
        results = []
        for threads in (1, 2, 3):
            tidegate.set_num_threads(threads)
            out, grads = run(functional, problem, given, back)
            results.append(all_arrays(out, grads) | {"decay": grads.memory_decay})
        for other in results[1:]:
            assert_same_bits(other, results[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_memory_that_keeps_all_is_the_plain_lstm(dtype):
    problem = time_problem(CASES[0], (6, 3, 4, 33), dtype)
    arrays = problem.weights.arrays()
    plain = CellWeights("lstm", *(arrays[name] for name in list(arrays)[:4]))
    given = {"memory_decay": np.ones((6, 3), dtype)}
    out, grads = run(functional, problem, given)
    expected = functional.rnn_forward(plain, problem.x, problem.state, training=True)
    expected_grads = functional.rnn_backward(expected.saved, problem.dy, problem.dstate)
    np.testing.assert_array_equal(out.y, expected.y)
    for name, array in expected_grads.weights.arrays().items():
        np.testing.assert_array_equal(getattr(grads.weights, name), array, name)
    assert not grads.weights.weight_cc.any()
    assert grads.memory_decay.any()


@pytest.mark.parametrize("name", ["none", "all"])
@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_recomputing_steps_gives_the_same_bits(case, name):
    shape = (11, 5, 4, 19)
    problem, (given, back) = (
        time_problem(case, shape, np.float32),
        options_of(name, case, shape, np.float32),
    )
    results = []
    for every in (None, 3):
        out, grads = run(functional, problem, given, back, recompute_every=every)
        results.append(all_arrays(out, grads) | {"decay": grads.memory_decay})
    assert_same_bits(results[1], results[0])


def test_a_row_has_its_bits_whatever_its_batch_and_nan_stays_in_it():
    problem = time_problem(CASES[0], (5, 9, 3, 21), np.float32)
    decay = np.random.default_rng(0).uniform(0, 1, (5, 9)).astype(np.float32)
    whole = functional.rnn_forward(problem.weights, problem.x, problem.state, memory_decay=decay)
    for b in (0, 4, 8):
        alone = functional.rnn_forward(
            problem.weights,
            problem.x[:, b : b + 1],
            tuple(part[b : b + 1] for part in problem.state),
            memory_decay=decay[:, b : b + 1],
        )
        np.testing.assert_array_equal(alone.y[:, 0], whole.y[:, b])
    decay[2, 4] = np.nan
    out, grads = run(functional, problem, {"memory_decay": decay})
    assert np.isnan(out.y[2:, 4]).all()
    others = [b for b in range(9) if b != 4]
    np.testing.assert_array_equal(out.y[:, others], whole.y[:, others])
    assert np.isfinite(grads.x[:, others]).all()
    assert np.isfinite(grads.memory_decay[:, others]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_decays_of_masked_steps_are_not_read(dtype):
    problem = time_problem(CASES[0], (6, 4, 3, 9), dtype)
    mask = np.random.default_rng(1).random((4, 6)) < 0.6
    results = []
    for filler in (0.5, np.nan):
        decay = np.where(mask.T, 0.3, filler).astype(dtype)
        out, grads = run(functional, problem, {"memory_decay": decay, "mask": mask})
        results.append(all_arrays(out, grads) | {"decay": grads.memory_decay})
    assert_same_bits(results[1], results[0])
    assert not results[0]["decay"][~mask.T].any()


def test_only_the_last_state_and_given_arrays_for_gradients():
    problem = time_problem(CASES[0], (7, 3, 2, 9))
    given, _ = options_of("none", CASES[0], (7, 3, 2, 9), np.float64)
    out = functional.rnn_forward(
        problem.weights, problem.x, problem.state, training=True, return_sequences=False, **given
    )
    target = CellWeights.view("lstm", *(np.empty_like(q) for q in list_of(problem.weights)[:2]))
    grads = functional.rnn_backward(out.saved, None, problem.dstate, out=target)
    assert out.y is None
    assert grads.memory_decay is None
    expected, expected_grads = run(reference, dataclasses.replace(problem, dy=None), given)
    assert_forward_close(out.state[1], expected.state[1])
    assert_gradient_close(target.weight_hh, expected_grads.weights.weight_hh)


@pytest.mark.parametrize("shape", [(0, 2), (3, 0)])
def test_nothing_to_run(shape):
    weights = time_weights(CASES[0], 2, 4)
    out = functional.rnn_forward(
        weights, np.zeros((*shape, 2)), training=True, memory_decay=np.ones(shape)
    )
    assert out.y.shape == (*shape, 4)
    grads = functional.rnn_backward(out.saved, need_dmemory_decay=True)
    assert grads.memory_decay.shape == shape
    assert not grads.weights.weight_cc.any()
