"""Diagonal peepholes against TensorFlow's BlockLSTM: forward, states and every gradient.

The only other system at hand whose peepholes have gradients. BlockLSTM has one w (I+H, 4H), x rows
above h rows, gates i g f o. Not BlockLSTMV2: in TensorFlow 2.21 its gradient disagrees with finite
differences of its own forward, also without peepholes.
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


def swap_f_and_g(rows):
    """Rows (4H, ...) in our gate order to BlockLSTM's, and back."""
    i, f, g, o = np.split(rows, 4)
    return np.concatenate([i, g, f, o])


def block_lstm_run(case, arrays, x, state, dy):
    """Forward and backward of BlockLSTM by our names."""
    h, c = state
    weight = np.concatenate([arrays["weight_ih"], arrays["weight_hh"]], axis=1)
    peephole = arrays.get("peephole", np.zeros((3, h.shape[1]), np.float32))
    given = [x, h, c, swap_f_and_g(weight).T, swap_f_and_g(arrays["bias_ih"]), *peephole]
    given = [tf.constant(array) for array in given]
    with tf.GradientTape() as tape:
        tape.watch(given)
        out = tf.raw_ops.BlockLSTM(
            seq_len_max=tf.constant(len(x), tf.int64),
            x=given[0],
            h_prev=given[1],
            cs_prev=given[2],
            w=given[3],
            b=given[4],
            wci=given[5],
            wcf=given[6],
            wco=given[7],
            forget_bias=0.0,
            cell_clip=case.cell_clip or -1.0,
            use_peephole=case.peephole is not None,
        )
        loss = tf.reduce_sum(out.h * dy)
    dx, dh, dc, dw, db, *dp = (gradient.numpy() for gradient in tape.gradient(loss, given))
    inputs = x.shape[2]
    weights = swap_f_and_g(dw.T)
    gradients = {
        "x": dx,
        "h": dh,
        "c": dc,
        "weight_ih": weights[:, :inputs],
        "weight_hh": weights[:, inputs:],
        "bias_ih": swap_f_and_g(db),
    }
    if case.peephole:
        gradients["peephole"] = np.stack(dp)
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
    """Forward only: BlockLSTM's gradient passes through a clip that was reached."""
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
