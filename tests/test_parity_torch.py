"""The engine and the reference against torch.nn: forward, states and every gradient."""

import numpy as np
import pytest

from cases import GATES, CellCase, make_arrays
from tidegate import CellWeights, functional, reference
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no parity with torch.nn")

SHAPES = (
    (1, 1, 1, 1),
    (7, 3, 4, 10),
    (5, 9, 3, 33),
    (12, 2, 17, 64),
    (4, 17, 40, 70),
)  # T, B, I, H
DTYPES = (np.float64, np.float32)
CASES = (
    CellCase("lstm"),
    CellCase("lstm", bias="none"),
    CellCase("lstm", projects=True),
    CellCase("gru"),
    CellCase("gru", bias="none"),
    CellCase("rnn"),
    CellCase("rnn", activation="relu"),
)
DOORS = {"engine": functional, "reference": reference}


def has_peer(case, shape):
    """Whether torch.nn has it: a projection must be narrower than the hidden size."""
    return not case.projects or case.output_size(shape[3]) < shape[3]


EVERY_CASE = [(case, shape) for case in CASES for shape in SHAPES if has_peer(case, shape)]


def torch_module(case, arrays, *reverse_arrays):
    """The nn.Module of this case with these arrays; a second set makes it bidirectional."""
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[case.cell]
    options = {"nonlinearity": case.activation} if case.cell == "rnn" else {}
    options |= {"proj_size": arrays["weight_hr"].shape[0]} if case.projects else {}
    weight_ih, weight_hh = arrays["weight_ih"], arrays["weight_hh"]
    module = kind(
        weight_ih.shape[1],
        weight_hh.shape[0] // GATES[case.cell],
        bias="bias_ih" in arrays,
        bidirectional=bool(reverse_arrays),
        dtype=torch.from_numpy(weight_ih).dtype,
        **options,
    )
    with torch.no_grad():
        for suffix, given in zip(("", "_reverse"), (arrays, *reverse_arrays), strict=False):
            for name, array in given.items():
                getattr(module, f"{name}_l0{suffix}").copy_(torch.from_numpy(array))
    return module


def torch_run(case, module, x, states, dy, dstates):
    """Forward and backward; states and dstates are tuples of (D, B, ·), D directions."""
    x = torch.from_numpy(x).requires_grad_()
    states = [torch.from_numpy(part).requires_grad_() for part in states]
    y, last = module(x, tuple(states) if case.cell == "lstm" else states[0])
    last = last if case.cell == "lstm" else (last,)
    loss = (y * torch.from_numpy(dy)).sum()
    for part, dpart in zip(last, dstates, strict=True):
        loss = loss + (part * torch.from_numpy(dpart)).sum()
    loss.backward()
    weights = {name: p.grad.numpy() for name, p in module.named_parameters()}
    return {
        "y": y.detach().numpy(),
        "state": [part.detach().numpy() for part in last],
        "dx": x.grad.numpy(),
        "dstate": [part.grad.numpy() for part in states],
        "weights": weights,
    }


def seeded(case, shape, dtype, directions=1):
    """Random x, states, dy, dstates for torch_run."""
    steps, batch, inputs, hidden = shape
    rng = np.random.default_rng([11, *shape])

    def normal(*size):
        return rng.standard_normal(size).astype(dtype)

    def states():
        return [normal(directions, batch, size) for size in case.state_sizes(hidden)]

    dy = normal(steps, batch, directions * case.output_size(hidden))
    return normal(steps, batch, inputs), states(), dy, states()


def direction_run(doors, case, arrays, problem, direction=0, **layout):
    """Our forward and backward of one direction of the problem given to torch_run."""
    x, states, dy, dstates = problem
    hidden = arrays["weight_hh"].shape[1]
    w = CellWeights(case.cell, **arrays, **case.options)
    state = tuple(part[direction] for part in states)
    out = doors.rnn_forward(w, x, state, training=True, **layout)
    own = dy[..., direction * hidden : (direction + 1) * hidden]
    grads = doors.rnn_backward(out.saved, own, tuple(part[direction] for part in dstates))
    return out, grads


def assert_direction_close(got, expected, direction=0, suffix=""):
    """Compare what belongs to one direction alone: all but dx, which is the sum of both."""
    out, grads = got
    hidden = grads.weights.weight_hh.shape[1]
    y = expected["y"][..., direction * hidden : (direction + 1) * hidden]
    assert_forward_close(y, out.y, "y", BETWEEN_ENGINES)
    for k, part in enumerate(out.state):
        assert_forward_close(expected["state"][k][direction], part, f"state[{k}]", BETWEEN_ENGINES)
        dpart = expected["dstate"][k][direction]
        assert_gradient_close(dpart, grads.state[k], f"dstate[{k}]", BETWEEN_ENGINES)
    for name, array in grads.weights.arrays().items():
        theirs = expected["weights"][f"{name}_l0{suffix}"]
        assert_gradient_close(theirs, array, name, BETWEEN_ENGINES)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("case", "shape"), EVERY_CASE, ids=str)
@pytest.mark.parametrize("doors", DOORS.values(), ids=DOORS)
def test_one_layer(doors, case, shape, dtype):
    arrays = make_arrays(case, *shape[2:], dtype)
    problem = seeded(case, shape, dtype)
    expected = torch_run(case, torch_module(case, arrays), *problem)
    got = direction_run(doors, case, arrays, problem)
    assert_direction_close(got, expected)
    assert_gradient_close(expected["dx"], got[1].x, "dx", BETWEEN_ENGINES)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("case", "shape"), [(case, shape) for case, shape in EVERY_CASE if shape in SHAPES[:3]], ids=str
)
def test_bidirectional_is_two_runs(case, shape, dtype):
    forward = make_arrays(case, *shape[2:], dtype, seed=0)
    reverse = make_arrays(case, *shape[2:], dtype, seed=1)
    problem = seeded(case, shape, dtype, directions=2)
    expected = torch_run(case, torch_module(case, forward, reverse), *problem)
    onward = direction_run(functional, case, forward, problem)
    back = direction_run(functional, case, reverse, problem, 1, go_backwards=True)
    assert_direction_close(onward, expected)
    assert_direction_close(back, expected, 1, "_reverse")
    assert_gradient_close(expected["dx"], onward[1].x + back[1].x, "dx", BETWEEN_ENGINES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_layers_are_two_runs(case):
    shape, hidden = (6, 4, 5, 12), 12
    width = case.output_size(hidden)
    first, second = make_arrays(case, 5, hidden), make_arrays(case, width, hidden, seed=1)
    module = torch_module(case, first)
    stack = type(module)(
        5,
        hidden,
        num_layers=2,
        bias=module.bias,
        dtype=torch.float64,
        **({"nonlinearity": case.activation} if case.cell == "rnn" else {}),
        **({"proj_size": width} if case.projects else {}),
    )
    with torch.no_grad():
        for layer, arrays in enumerate((first, second)):
            for name, array in arrays.items():
                getattr(stack, f"{name}_l{layer}").copy_(torch.from_numpy(array))
    x, _, dy, _ = seeded(case, shape, np.float64)
    x_torch = torch.from_numpy(x).requires_grad_()
    y = stack(x_torch)[0]
    (y * torch.from_numpy(dy)).sum().backward()

    below, above = (CellWeights(case.cell, **q, **case.options) for q in (first, second))
    out_1 = functional.rnn_forward(below, x, training=True)
    out_2 = functional.rnn_forward(above, out_1.y, training=True)
    grads_2 = functional.rnn_backward(out_2.saved, dy)
    grads_1 = functional.rnn_backward(out_1.saved, grads_2.x)
    assert_forward_close(y.detach().numpy(), out_2.y, "y", BETWEEN_ENGINES)
    assert_gradient_close(x_torch.grad.numpy(), grads_1.x, "dx", BETWEEN_ENGINES)
    for layer, grads in enumerate((grads_1, grads_2)):
        for name, array in grads.weights.arrays().items():
            theirs = getattr(stack, f"{name}_l{layer}").grad.numpy()
            assert_gradient_close(theirs, array, f"{name}_l{layer}", BETWEEN_ENGINES)
