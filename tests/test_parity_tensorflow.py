"""Diagonal peepholes against TensorFlow's BlockLSTMV2: forward, states and every gradient.

The only other system at hand whose peepholes have gradients. BlockLSTMV2 has one w (I+H, 4H), x
rows above h rows, gates i f g o as ours. Its gradient is the operator BlockLSTMGradV2, called by
hand: in TensorFlow 2.21 what a GradientTape makes of BlockLSTMV2 disagrees with finite differences,
also without peepholes.
"""

import os

import numpy as np
import pytest

from cases import CellCase, make_arrays
from tidegate import CellWeights, functional, reference
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: no other peepholes")

SHAPES = ((1, 1, 1, 1), (7, 3, 4, 10), (5, 9, 3, 33), (4, 17, 40, 70))  # T, B, I, H
CASES = (CellCase("lstm", bias="ih"), CellCase("lstm", bias="ih", peephole="diagonal"))
DOORS = {"engine": functional, "reference": reference}


def block_lstm_run(case, arrays, x, state, dy, dcells=None):
    """Forward and backward by our names: y, the cell states and the gradients."""
    h, c = state
    weight = np.concatenate([arrays["weight_ih"], arrays["weight_hh"]], axis=1)
    peephole = arrays.get("peephole", np.zeros((3, h.shape[1]), np.float32))
    given = {
        "seq_len_max": tf.constant(len(x), tf.int64),
        "x": x,
        "h_prev": h,
        "cs_prev": c,
        "w": np.ascontiguousarray(weight.T),
        "b": arrays["bias_ih"],
        **dict(zip(("wci", "wcf", "wco"), peephole, strict=True)),
        "use_peephole": case.peephole is not None,
    }
    out = tf.raw_ops.BlockLSTMV2(**given, cell_clip=case.cell_clip or 0.0)
    dcells = np.zeros_like(dy) if dcells is None else dcells
    grads = tf.raw_ops.BlockLSTMGradV2(**given, **out._asdict(), h_grad=dy, cs_grad=dcells)
    inputs = x.shape[2]
    weights = grads.w_grad.numpy().T
    gradients = {
        "x": grads.x_grad.numpy(),
        "h": grads.h_prev_grad.numpy(),
        "c": grads.cs_prev_grad.numpy(),
        "weight_ih": weights[:, :inputs],
        "weight_hh": weights[:, inputs:],
        "bias_ih": grads.b_grad.numpy(),
    }
    if case.peephole:
        gradients["peephole"] = np.stack([grads.wci_grad, grads.wcf_grad, grads.wco_grad])
    return out.h.numpy(), out.cs.numpy(), gradients


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("doors", DOORS.values(), ids=DOORS)
def test_one_layer(doors, case, shape):
    steps, batch, inputs, hidden = shape
    rng = np.random.default_rng([17, *shape])

    def normal(*size):
        return rng.standard_normal(size).astype(np.float32)

    arrays = make_arrays(case, inputs, hidden, np.float32)
    x, dy = normal(steps, batch, inputs), normal(steps, batch, hidden)
    state = normal(batch, hidden), normal(batch, hidden)
    y, cells, theirs = block_lstm_run(case, arrays, x, state, dy)

    w = CellWeights("lstm", **arrays)
    out = doors.rnn_forward(w, x, state, training=True)
    grads = doors.rnn_backward(out.saved, dy)
    ours = {"x": grads.x, "h": grads.state[0], "c": grads.state[1], **grads.weights.arrays()}
    assert_forward_close(y, out.y, "y", BETWEEN_ENGINES)
    for k, part in enumerate(out.state):
        assert_forward_close((y, cells)[k][-1], part, f"state[{k}]", BETWEEN_ENGINES)
    assert theirs.keys() == ours.keys()
    for name, array in theirs.items():
        assert_gradient_close(array, ours[name], name, BETWEEN_ENGINES)


@pytest.mark.parametrize("peephole", [None, "diagonal"])
@pytest.mark.parametrize("cell_clip", [0.1, 0.5])
def test_cell_clip(cell_clip, peephole):
    """Forward only: BlockLSTMGradV2 passes through a clip that was reached."""
    case = CellCase("lstm", bias="ih", peephole=peephole, cell_clip=cell_clip)
    rng = np.random.default_rng(5)
    arrays = make_arrays(case, 4, 10, np.float32)
    x = rng.standard_normal((7, 3, 4)).astype(np.float32)
    state = tuple(rng.standard_normal((3, 10)).astype(np.float32) for _ in range(2))
    y, cells, _ = block_lstm_run(case, arrays, x, state, np.zeros((7, 3, 10), np.float32))
    w = CellWeights("lstm", **arrays, **case.options)
    out = functional.rnn_forward(w, x, state, return_cell_states=True)
    assert np.any(np.abs(cells) == np.float32(cell_clip))
    assert_forward_close(out.y, y, "y", BETWEEN_ENGINES)
    assert_forward_close(out.cell_states, cells, "c", BETWEEN_ENGINES)
