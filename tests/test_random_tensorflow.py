"""Random LSTMs with diagonal peepholes beside TensorFlow's BlockLSTM, with gradients (float32)."""

import numpy as np
import pytest

from cases import CellCase
from random_runs import SEEDS, Draw
from test_parity_tensorflow import block_lstm_run
from tidegate import CellWeights, functional
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close


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
    y, cell_states, theirs = block_lstm_run(case, arrays, x, state, dy)

    w = CellWeights("lstm", **arrays)
    out = functional.rnn_forward(w, x, state, training=True, return_cell_states=True)
    grads = functional.rnn_backward(out.saved, dy)
    ours = {"x": grads.x, "h": grads.state[0], "c": grads.state[1], **grads.weights.arrays()}
    assert_forward_close(out.y, y, "y", BETWEEN_ENGINES)
    assert_forward_close(out.cell_states, cell_states, "cell states", BETWEEN_ENGINES)
    assert theirs.keys() == ours.keys()
    for name, array in theirs.items():
        assert_gradient_close(ours[name], array, name, BETWEEN_ENGINES)
