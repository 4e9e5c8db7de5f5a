"""Layer normalisation: beside PyTorch's autograd, with every other option, at any thread count."""

import numpy as np
import pytest

import tidegate
from cases import NORM_CELLS, CellCase, make_problem, make_weights
from combined_runs import assert_same_bits_in_a_stack_and_in_two_directions
from engine_runs import (
    all_arrays,
    assert_gradients_close,
    assert_outputs_close,
    assert_same_bits,
    run,
)
from numeric_gradient import analytic_gradients, numeric_gradients
from tidegate import CellWeights, functional, reference
from tolerances import assert_differences_close, assert_forward_close, assert_gradient_close

LSTM, GRU, RNN = (CellCase(cell, normalizes=True) for cell in ("lstm", "gru", "rnn"))
BASIC = (LSTM, GRU, RNN)


# -- beside PyTorch --------------------------------------------------------------------------------


def torch_layer_norm(torch, cell, w, x, state):
    """The textbook, with torch's own layer_norm: y and the last state."""
    norm = torch.nn.functional.layer_norm

    def normalized(a, gamma, beta=None):
        return norm(a, a.shape[-1:], gamma, beta, 1e-5)

    h, *cells = state
    y = []
    for x_t in x:
        a_x = normalized(x_t @ w["weight_ih"].T, w["gamma_ih"]) + w["bias_ih"]
        a_h = normalized(h @ w["weight_hh"].T, w["gamma_hh"]) + w["bias_hh"]
        if cell == "rnn":
            h = torch.tanh(a_x + a_h)
        elif cell == "gru":
            (r_x, z_x, n_x), (r_h, z_h, n_h) = a_x.chunk(3, -1), a_h.chunk(3, -1)
            n = torch.tanh(n_x + torch.sigmoid(r_x + r_h) * n_h)
            z = torch.sigmoid(z_x + z_h)
            h = z * h + (1 - z) * n
        else:
            i, f, g, o = (a_x + a_h).chunk(4, -1)
            c = torch.sigmoid(f) * cells[0] + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(normalized(c, w["gamma_c"], w["beta_c"]))
            cells = [c]
        y.append(h)
    return torch.stack(y), (h, *cells)


@pytest.mark.parametrize("shape", [(5, 3, 4, 7), (7, 1, 9, 33), (3, 9, 2, 70)], ids=str)
@pytest.mark.parametrize("case", BASIC, ids=str)
def test_beside_torch_in_float64(case, shape):
    torch = pytest.importorskip("torch")
    problem = make_problem(case, shape)
    given = {name: torch.tensor(array) for name, array in problem.weights.arrays().items()}
    tensors = {**given, "x": torch.tensor(problem.x)}
    tensors |= {f"state[{k}]": torch.tensor(part) for k, part in enumerate(problem.state)}
    for tensor in tensors.values():
        tensor.requires_grad_()
    state = [tensors[f"state[{k}]"] for k in range(len(problem.state))]
    y, last = torch_layer_norm(torch, case.cell, given, tensors["x"], state)
    loss = (y * torch.tensor(problem.dy)).sum()
    for part, dpart in zip(last, problem.dstate, strict=True):
        loss = loss + (part * torch.tensor(dpart)).sum()
    loss.backward()

    out, grads = run(functional, problem)
    assert_forward_close(out.y, y.detach().numpy(), engines=2)
    for part, expected in zip(out.state, last, strict=True):
        assert_forward_close(part, expected.detach().numpy(), engines=2)
    for name, gradient in analytic_gradients(grads).items():
        assert_gradient_close(gradient, tensors[name].grad.numpy(), name, engines=2)


# -- with other options ----------------------------------------------------------------------------


def factors(case, shape, per_gate):
    steps, batch, _, hidden = shape
    rng = np.random.default_rng(5)
    scale = rng.integers(0, 2, (case.gates, batch, hidden)) / 0.5
    return {
        "zoneout": {"state_keep": rng.integers(0, 2, (steps, batch, hidden)) * 1.0},
        "keep": {"state_keep": rng.uniform(0, 1, (steps, batch, hidden))},
        "recurrent_dropout": {"recurrent_scale": scale if per_gate else scale[0]},
        "decay": {"state_scale": rng.uniform(0, 1, (steps, batch, hidden))},
    }


RAGGED = {"lengths": [2, 0, 5, 4]}
GAPS = {"mask": np.random.default_rng(2).random((4, 5)) < 0.6, "masked_output": "hold"}
PAIRS = (
    ("zoneout", {}),
    ("keep", RAGGED),
    ("recurrent_dropout", {}),
    ("recurrent_dropout", GAPS),
    ("decay", {"go_backwards": True}),
)


@pytest.mark.parametrize(("factor", "layout"), PAIRS, ids=[f"{f}-{len(x)}" for f, x in PAIRS])
@pytest.mark.parametrize("case", BASIC, ids=str)
def test_with_factors_on_the_state(case, factor, layout):
    shape = (5, 4, 3, 9)
    problem = make_problem(case, shape)
    given = factors(case, shape, per_gate=bool(layout))[factor] | layout
    door = functional.rnn_forward
    out = door(problem.weights, problem.x, problem.state, training=True, **given)
    more = {"need_dstate_scale": True} if factor == "decay" else {}
    grads = functional.rnn_backward(out.saved, problem.dy, problem.dstate, **more)
    if factor != "recurrent_dropout":  # the reference has no scale of the product alone
        expected = reference.rnn_forward(
            problem.weights, problem.x, problem.state, training=True, **given
        )
        assert_outputs_close(out, expected, problem.weights)
        expected = reference.rnn_backward(expected.saved, problem.dy, problem.dstate)
        assert_gradients_close(grads, expected)

    def forward(arrays, x, state):
        return door(CellWeights(case.cell, **arrays, **case.options), x, state, **given)

    numeric = numeric_gradients(forward, problem, np.float64)
    assert_differences_close(analytic_gradients(grads), numeric, np.float64)


@pytest.mark.parametrize("case", BASIC, ids=str)
def test_a_recurrent_scale_of_one_sequence_scales_the_columns_of_r(case):
    problem = make_problem(case, (4, 1, 3, 9))
    scale = np.random.default_rng(3).uniform(0, 2, (case.gates, 1, 9))
    out = functional.rnn_forward(problem.weights, problem.x, problem.state, recurrent_scale=scale)
    arrays = dict(problem.weights.arrays())
    arrays["weight_hh"] = arrays["weight_hh"] * np.repeat(scale[:, 0], 9, axis=0)
    scaled = CellWeights(case.cell, **arrays, **case.options)
    expected = reference.rnn_forward(scaled, problem.x, problem.state)
    assert_outputs_close(out, expected, scaled)


def test_cell_states_are_the_raw_ones():
    problem = make_problem(LSTM, (4, 3, 5, 9))
    out = functional.rnn_forward(
        problem.weights, problem.x, problem.state, training=True, return_cell_states=True
    )
    np.testing.assert_array_equal(out.cell_states[-1], out.state[1])
    dcells = np.zeros_like(out.cell_states)
    dcells[-1] = problem.dstate[1]
    grads = functional.rnn_backward(
        out.saved, problem.dy, (problem.dstate[0], None), dcell_states=dcells
    )
    _, expected = run(functional, problem)
    assert_gradients_close(grads, expected)


@pytest.mark.parametrize("shape", [(5, 13, 9, 70), (6, 1, 33, 200), (3, 24, 8, 33)], ids=str)
@pytest.mark.parametrize("case", [*BASIC, NORM_CELLS[3]], ids=str)
def test_same_bits_on_any_number_of_threads(case, shape, threads_restored):
    problem = make_problem(case, shape, np.float32)
    steps, batch = shape[:2]
    lengths = np.random.default_rng(0).integers(0, steps + 1, batch)
    for layout in ({}, {"lengths": lengths}):
        results = []
        for threads in (1, 2, 3):
            tidegate.set_num_threads(threads)
            results.append(all_arrays(*run(functional, problem, **layout)))
        assert_same_bits(results[1], results[0])
        assert_same_bits(results[2], results[0])


@pytest.mark.parametrize("case", BASIC, ids=str)
def test_a_row_has_the_bits_that_it_has_alone(case):
    problem = make_problem(case, (5, 7, 6, 33), np.float32)
    out = functional.rnn_forward(problem.weights, problem.x, problem.state)
    alone = functional.rnn_forward(
        problem.weights, problem.x[:, 3:4], tuple(part[3:4] for part in problem.state)
    )
    np.testing.assert_array_equal(alone.y[:, 0], out.y[:, 3])


@pytest.mark.parametrize("case", BASIC, ids=str)
def test_nan_stays_in_its_row(case):
    problem = make_problem(case, (4, 5, 3, 17), np.float32)
    clean = functional.rnn_forward(problem.weights, problem.x, training=True)
    clean_grads = functional.rnn_backward(clean.saved, problem.dy)
    problem.x[1, 2, 0] = np.nan
    out = functional.rnn_forward(problem.weights, problem.x, training=True)
    grads = functional.rnn_backward(out.saved, problem.dy)
    others = [0, 1, 3, 4]
    np.testing.assert_array_equal(out.y[:, others], clean.y[:, others])
    np.testing.assert_array_equal(grads.x[:, others], clean_grads.x[:, others])
    assert np.isnan(out.y[1:, 2]).all()
    assert np.isfinite(out.y[0]).all()


@pytest.mark.parametrize("case", NORM_CELLS, ids=str)
def test_same_bits_in_a_stack_and_in_two_directions(case, threads_restored):
    tidegate.set_num_threads(2)
    assert_same_bits_in_a_stack_and_in_two_directions(case, steps=40)


@pytest.mark.parametrize("case", BASIC, ids=str)
def test_large_means_do_not_cancel(case):
    """In float32, products whose mean is a thousand times their deviation."""
    arrays = dict(make_weights(case, 6, 33, np.float32).arrays())
    arrays["weight_ih"] = np.float32(1) + arrays["weight_ih"] / 10
    weights = CellWeights(case.cell, **arrays)
    x = np.random.default_rng(0).uniform(1, 2, (3, 2, 6)).astype(np.float32)
    exact = reference.rnn_forward(weights, x).y
    # W x of about 9 is rounded to 5e-7, and LN multiplies that by up to 1 / √ε = 316: some
    # 3e-4. The variance as a difference of squares of 81 would be wrong in every digit.
    np.testing.assert_allclose(functional.rnn_forward(weights, x).y, exact, rtol=0, atol=1e-3)
