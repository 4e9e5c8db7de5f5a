"""Coupled gates, limits, activations, cell states against autograd of cells written in PyTorch."""

import itertools

import numpy as np
import pytest

from cases import CellCase, make_problem
from tidegate import functional
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
F = torch.nn.functional
SHAPE = (5, 4, 3, 9)
ACTIVATIONS = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda a: torch.clamp(0.2 * a + 0.5, 0, 1),
    "leaky_relu": lambda a: F.leaky_relu(a, 0.01),
    "thresholded_relu": lambda a: F.threshold(a, 1.0, 0.0),
    "elu": F.elu,
    "softsign": F.softsign,
    "softplus": F.softplus,
}
CASES = (
    *(
        CellCase("lstm", coupled=coupled, peephole=peephole, clip=clip, cell_clip=cell_clip)
        for coupled, peephole, (clip, cell_clip) in itertools.product(
            (None, "input", "forget"),
            (None, "diagonal", "full"),
            ((None, None), (0.5, None), (None, 0.3), (0.6, 0.4)),
        )
    ),
    CellCase("lstm", output_clip=0.2),
    CellCase("lstm", output_clip=0.2, clip=0.5, coupled="input"),
    *(CellCase("lstm", activation=name) for name in ACTIVATIONS),
    *(CellCase("lstm", recurrent_activation=name) for name in ACTIVATIONS),
)


def limited(a, clip):
    return a if clip is None else torch.clamp(a, -clip, clip)


def lstm(case, w, x, h, c):
    """Outputs and cell states of a cell written with what autograd knows."""
    act, gate = ACTIVATIONS[case.activation], ACTIVATIONS[case.recurrent_activation]
    names = {None: "ifgo", "input": "fgo", "forget": "igo"}[case.coupled]
    peepholes = dict(zip([q for q in names if q != "g"], w.get("peephole", []), strict=False))

    def open_gate(q, a, c_seen):
        p = peepholes.get(q)
        seen = 0 if p is None else c_seen * p if p.ndim == 1 else c_seen @ p.T
        return gate(limited(a[q] + seen, case.clip))

    ys, cs = [], []
    for x_t in x:
        sums = x_t @ w["weight_ih"].T + h @ w["weight_hh"].T + w["bias_ih"] + w["bias_hh"]
        a = dict(zip(names, sums.chunk(len(names), dim=1), strict=True))
        g = act(limited(a["g"], case.clip))
        i = open_gate("i", a, c) if "i" in a else 1 - open_gate("f", a, c)
        f = open_gate("f", a, c) if "f" in a else 1 - i
        c = limited(f * c + i * g, case.cell_clip)
        h = open_gate("o", a, c) * act(limited(c, case.output_clip))
        ys.append(h)
        cs.append(c)
    return torch.stack(ys), torch.stack(cs), h, c


@pytest.mark.parametrize("case", CASES, ids=str)
def test_matches_autograd(case):
    problem = make_problem(case, SHAPE)
    dcells = np.random.default_rng(1).normal(size=problem.dy.shape)
    given = {"x": problem.x, "h": problem.state[0], "c": problem.state[1]}
    given |= problem.weights.arrays()
    t = {name: torch.tensor(np.array(a), requires_grad=True) for name, a in given.items()}
    y, cells, h, c = lstm(case, t, t["x"], t["h"], t["c"])
    loss = (y * torch.tensor(problem.dy)).sum() + (cells * torch.tensor(dcells)).sum()
    loss = loss + sum(
        (part * torch.tensor(dpart)).sum()
        for part, dpart in zip((h, c), problem.dstate, strict=True)
    )
    loss.backward()

    out = functional.rnn_forward(
        problem.weights, problem.x, problem.state, training=True, return_cell_states=True
    )
    grads = functional.rnn_backward(out.saved, problem.dy, problem.dstate, dcell_states=dcells)
    assert_forward_close(out.y, y.detach().numpy(), engines=BETWEEN_ENGINES)
    assert_forward_close(out.cell_states, cells.detach().numpy(), "c", engines=BETWEEN_ENGINES)
    ours = {"x": grads.x, "h": grads.state[0], "c": grads.state[1], **grads.weights.arrays()}
    for name, array in ours.items():
        assert_gradient_close(array, t[name].grad.numpy(), name, engines=BETWEEN_ENGINES)
