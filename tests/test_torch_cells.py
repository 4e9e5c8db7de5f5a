"""tidegate.torch.LSTMCell, GRUCell and RNNCell beside torch.nn's."""

import pytest

from random_runs import Draw

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch_modules import CELLS, assert_same_results, pair  # noqa: E402


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("seed", range(5))
def test_random_cell(kind, seed):
    draw = Draw(seed)
    batch, inputs, hidden = (draw.size() for _ in range(3))
    options = {"bias": draw.chance(0.7), "dtype": torch.float64}
    if kind == "RNNCell":
        options["nonlinearity"] = draw.one("tanh", "relu")
    theirs, ours = pair(kind, inputs, hidden, seed=seed, **options)
    assert repr(theirs) == repr(ours)
    rows = (batch,) if draw.chance(0.7) else ()
    x = torch.from_numpy(draw.normal(*rows, inputs))
    count = 2 if kind == "LSTMCell" else 1
    states = [torch.from_numpy(draw.normal(*rows, hidden)) for _ in range(count)]
    assert_same_results(theirs, ours, x, states)
    assert_same_results(theirs, ours, x)


@pytest.mark.parametrize("kind", CELLS)
def test_a_loop_over_steps(kind):
    """The weights' gradients of all steps add up, in one graph."""
    theirs, ours = pair(kind, 3, 4, dtype=torch.float64)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    for module in (theirs, ours):
        state, loss = None, 0
        for step in x:
            state = module(step, state)
            loss = loss + (state[0] if kind == "LSTMCell" else state).pow(2).sum()
        loss.backward()
    for a, b in zip(theirs.parameters(), ours.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-12, atol=1e-13)


def test_an_empty_batch():
    _, ours = pair("LSTMCell", 3, 4)
    assert [part.shape for part in ours(torch.zeros(0, 3))] == [(0, 4), (0, 4)]


def test_a_nonlinearity_set_after_a_call_counts():
    theirs, ours = pair("RNNCell", 3, 4, dtype=torch.float64)
    x = torch.randn(2, 3, dtype=torch.float64)
    for nonlinearity in ("tanh", "relu", "tanh"):
        theirs.nonlinearity = ours.nonlinearity = nonlinearity
        assert_same_results(theirs, ours, x)
