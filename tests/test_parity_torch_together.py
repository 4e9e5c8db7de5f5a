"""Two stacked bidirectional layers beside torch.nn: outputs, states and every gradient."""

import numpy as np
import pytest

from cases import PLAIN_CELLS, make_arrays
from tidegate import CellWeights, functional
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

torch = pytest.importorskip("torch")

STEPS, BATCH, INPUTS, UNITS = 9, 3, 5, 8


@pytest.mark.parametrize("cell", [0, 3], ids=["lstm", "gru"])
def test_two_bidirectional_layers(cell):
    case = PLAIN_CELLS[cell]
    kind = torch.nn.LSTM if case.cell == "lstm" else torch.nn.GRU
    module = kind(INPUTS, UNITS, num_layers=2, bidirectional=True, dtype=torch.float64)
    names = [(layer, suffix) for layer in (0, 1) for suffix in ("", "_reverse")]
    weights = []
    with torch.no_grad():
        for seed, (layer, suffix) in enumerate(names):
            arrays = make_arrays(case, (INPUTS, 2 * UNITS)[layer], UNITS, seed=seed)
            weights.append(CellWeights(case.cell, **arrays, **case.options))
            for name, array in arrays.items():
                getattr(module, f"{name}_l{layer}{suffix}").copy_(torch.from_numpy(array))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((STEPS, BATCH, INPUTS))
    dy = rng.standard_normal((STEPS, BATCH, 2 * UNITS))
    x_torch = torch.from_numpy(x).requires_grad_()
    y, last = module(x_torch)
    (y * torch.from_numpy(dy)).sum().backward()
    h_last = last[0] if case.cell == "lstm" else last

    below = functional.birnn_forward(*weights[:2], x, training=True)
    above = functional.birnn_forward(*weights[2:], below.y, training=True)
    above_grads = functional.birnn_backward(above.saved, dy)
    below_grads = functional.birnn_backward(below.saved, above_grads.x)

    assert_forward_close(y.detach().numpy(), above.y, "y", BETWEEN_ENGINES)
    states = [*below.state, *above.state][:: len(below.state) // 2]
    for expected, got in zip(h_last.detach().numpy(), states, strict=True):
        assert_forward_close(expected, got, "h", BETWEEN_ENGINES)
    assert_gradient_close(x_torch.grad.numpy(), below_grads.x, "dx", BETWEEN_ENGINES)
    for (layer, suffix), grads in zip(names, [*below_grads[2:], *above_grads[2:]], strict=True):
        for name, array in grads.arrays().items():
            theirs = getattr(module, f"{name}_l{layer}{suffix}").grad.numpy()
            assert_gradient_close(theirs, array, f"{name}_l{layer}{suffix}", BETWEEN_ENGINES)
