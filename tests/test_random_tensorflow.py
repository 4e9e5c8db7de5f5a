"""Random LSTMs with diagonal peepholes beside TensorFlow's BlockLSTMV2 and BlockLSTMGradV2.

In float32: outputs, cell states, and every gradient, of losses on h and c of every step.
"""

import numpy as np
import pytest

from cases import CellCase
from oracle_errors import Configuration
from random_runs import SEEDS, Draw
from test_parity_tensorflow import block_lstm_run
from tidegate import CellWeights, functional


@pytest.mark.parametrize("seed", SEEDS)
def test_peepholes(seed):
    draw = Draw(seed, np.float32)
    steps, batch, inputs, hidden = (draw.size() for _ in range(4))
    case = CellCase("lstm", bias="ih", peephole=draw.one(None, "diagonal", "diagonal"))
    terms = max(inputs, hidden)
    arrays = {
        "weight_ih": draw.weights(terms, 4 * hidden, inputs),
        "weight_hh": draw.weights(hidden, 4 * hidden, hidden),
        "bias_ih": draw.weights(hidden, 4 * hidden),
    }
    if case.peephole:
        arrays["peephole"] = draw.weights(hidden, 3, hidden)
    x, dy = draw.normal(steps, batch, inputs), draw.normal(steps, batch, hidden)
    state = draw.normal(batch, hidden), draw.normal(batch, hidden)
    dcells = draw.normal(steps, batch, hidden) if draw.chance() else None
    y, cell_states, theirs = block_lstm_run(case, arrays, x, state, dy, dcells)

    w = CellWeights("lstm", **arrays)
    out = functional.rnn_forward(w, x, state, training=True, return_cell_states=True)
    grads = functional.rnn_backward(out.saved, dy, dcell_states=dcells)
    ours = {"x": grads.x, "h": grads.state[0], "c": grads.state[1], **grads.weights.arrays()}
    options = {"peephole": case.peephole, "gradient by cell states": dcells is not None}
    configuration = Configuration("TensorFlow, float32", options)
    configuration.compare_forward(out.y, y, "y")
    configuration.compare_forward(out.cell_states, cell_states, "cell states")
    assert theirs.keys() == ours.keys()
    for name, array in theirs.items():
        configuration.compare_gradient(ours[name], array, name)
