"""Weights in TensorFlow's layouts: its operators compute what the cells do.

LSTMBlockCell and BlockLSTM share gates, peepholes, forget_bias and clip with the LSTMCell of
TensorFlow 1, whose Python is gone; GRUBlockCell is GRUCell.
"""

import os

import numpy as np
import pytest

from cases import CellCase, make_weights
from tidegate import functional, weights
from tolerances import BETWEEN_ENGINES, assert_forward_close

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

STEPS, BATCH, INPUTS, HIDDEN = 6, 4, 5, 7
RNG = np.random.default_rng(8)


def normal(*shape):
    return RNG.standard_normal(shape).astype("f4")


def zeros_for(arrays, names):
    absent = np.zeros(HIDDEN, np.float32)
    return {name: arrays.get(name, absent) for name in names}


def block_lstm(arrays, x, state, peephole, **options):
    given = {"w": arrays["w"], "b": arrays["b"], **zeros_for(arrays, ("wci", "wcf", "wco"))}
    operator = tf.raw_ops.BlockLSTM if "forget_bias" in options else tf.raw_ops.BlockLSTMV2
    out = operator(
        seq_len_max=tf.constant(STEPS, tf.int64),
        x=x,
        h_prev=state[0],
        cs_prev=state[1],
        use_peephole=peephole,
        **given,
        **options,
    )
    return out.h.numpy()


def lstm_cell(arrays, x, state, peephole, forget_bias, cell_clip):
    """The operator that runs one step with the arrays of an LSTMCell."""
    names = {"wci": "w_i_diag", "wcf": "w_f_diag", "wco": "w_o_diag"}
    diagonals = zeros_for(arrays, names.values())
    h, c = state
    ys = []
    for x_t in x:
        out = tf.raw_ops.LSTMBlockCell(
            x=x_t,
            cs_prev=c,
            h_prev=h,
            w=arrays["kernel"],
            b=arrays["bias"],
            use_peephole=peephole,
            forget_bias=forget_bias,
            cell_clip=cell_clip,
            **{name: diagonals[theirs] for name, theirs in names.items()},
        )
        h, c = out.h, out.cs
        ys.append(h.numpy())
    return np.stack(ys)


@pytest.mark.parametrize("peephole", [None, "diagonal"])
@pytest.mark.parametrize("cell_clip", [None, 0.3])
@pytest.mark.parametrize("forget_bias", [None, 0.0, 2.5])
@pytest.mark.parametrize("kind", ["LSTMCell", "BlockLSTM", "BlockLSTMV2"])
def test_lstm(kind, forget_bias, cell_clip, peephole):
    case = CellCase("lstm", peephole=peephole, cell_clip=cell_clip)
    w = make_weights(case, INPUTS, HIDDEN, np.float32)
    x, state = normal(STEPS, BATCH, INPUTS), (normal(BATCH, HIDDEN), normal(BATCH, HIDDEN))
    if kind == "BlockLSTMV2" and forget_bias:
        forget_bias = 0.0  # it adds none
    arrays = weights.to_tensorflow(w, kind, forget_bias=forget_bias)
    added = (0.0 if kind == "BlockLSTMV2" else 1.0) if forget_bias is None else forget_bias
    clip = -1.0 if cell_clip is None else cell_clip
    if kind == "LSTMCell":
        y = lstm_cell(arrays, x, state, peephole is not None, added, clip)
    else:
        options = {"forget_bias": added} if kind == "BlockLSTM" else {}
        y = block_lstm(arrays, x, state, peephole is not None, cell_clip=clip, **options)
    expected = functional.rnn_forward(w, x, state).y
    assert_forward_close(y, expected, "y", BETWEEN_ENGINES)
    limit = 0 if cell_clip is None else cell_clip
    back = weights.from_tensorflow(arrays, kind, forget_bias=forget_bias, cell_clip=limit)
    assert_forward_close(functional.rnn_forward(back, x, state).y, y, "y", BETWEEN_ENGINES)


@pytest.mark.parametrize("update", ["retain", "replace"])
def test_gru(update):
    case = CellCase("gru", reset_after=False, update=update)
    w = make_weights(case, INPUTS, HIDDEN, np.float32)
    x, h = normal(STEPS, BATCH, INPUTS), normal(BATCH, HIDDEN)
    expected = functional.rnn_forward(w, x, (h,)).y
    arrays = weights.to_tensorflow(w, "GRUBlockCell")
    for t in range(STEPS):
        h = tf.raw_ops.GRUBlockCell(x=x[t], h_prev=h, **arrays).h
        assert_forward_close(h.numpy(), expected[t], f"h[{t}]", BETWEEN_ENGINES)
    names = {"gates/kernel": "w_ru", "gates/bias": "b_ru"}
    names |= {"candidate/kernel": "w_c", "candidate/bias": "b_c"}
    for name, array in weights.to_tensorflow(w, "GRUCell").items():
        assert np.array_equal(array, arrays[names[name]])


def test_a_checkpoint_with_peepholes_and_a_projection(tmp_path):
    """Through a checkpoint file, by the names that TensorFlow 1 gave."""
    case = CellCase("lstm", peephole="diagonal", projects=True, cell_clip=2.0)
    w = make_weights(case, INPUTS, HIDDEN, np.float32)
    prefix = "rnn/lstm_cell/"
    arrays = weights.to_tensorflow(w, prefix=prefix)
    path = str(tmp_path / "model.ckpt")
    tf.raw_ops.SaveV2(
        prefix=path,
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=list(arrays.values()),
    )
    reader = tf.train.load_checkpoint(path)
    read = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    back = weights.from_tensorflow(read, prefix=prefix, cell_clip=2.0)
    x = normal(STEPS, BATCH, INPUTS)
    expected = functional.rnn_forward(w, x).y
    assert_forward_close(functional.rnn_forward(back, x).y, expected, "y", BETWEEN_ENGINES)
    assert np.array_equal(back.peephole, w.peephole)
    assert np.array_equal(back.weight_hr, w.weight_hr)
