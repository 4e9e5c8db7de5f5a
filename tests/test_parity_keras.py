"""The engine and the reference against Keras 3's cells: forward, states and every gradient.

Keras: kernel (I, G*H), recurrent_kernel (H, G*H), gates i f c o and z r h, one bias for LSTM and
SimpleRNN and for a GRU that resets before; (2, 3H), input and recurrent, for one that resets after.
"""

import os

import numpy as np
import pytest

from cases import CellCase, make_arrays
from tidegate import CellWeights, functional, reference
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras", reason="Keras is not installed: no parity with its cells")
tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: no gradients of Keras")

SHAPES = ((1, 1, 1, 1), (6, 3, 4, 10), (4, 9, 3, 33))  # T, B, I, H
DTYPES = (np.float64, np.float32)
CASES = (
    CellCase("lstm", bias="ih"),
    CellCase("lstm", bias="none"),
    CellCase("lstm", bias="ih", activation="relu"),
    CellCase("lstm", bias="ih", activation="linear", recurrent_activation="tanh"),
    CellCase("gru", bias="both"),
    CellCase("gru", bias="both", activation="relu"),
    CellCase("gru", bias="ih", reset_after=False),
    CellCase("gru", bias="none", reset_after=False, activation="sigmoid"),
    CellCase("rnn", bias="ih"),
    CellCase("rnn", bias="ih", activation="relu"),
)
DOORS = {"engine": functional, "reference": reference}


def to_keras_order(case, rows):
    """Rows (G*H, ...) in our gate order to Keras's."""
    if case.cell != "gru":
        return rows
    r, z, n = np.split(rows, 3)
    return np.concatenate([z, r, n])


from_keras_order = to_keras_order  # swapping r and z undoes itself


def keras_arrays(case, arrays):
    """Our arrays as the list that a Keras layer's set_weights takes."""
    ours = {name: to_keras_order(case, array) for name, array in arrays.items()}
    listed = [ours["weight_ih"].T, ours["weight_hh"].T]
    if "bias_hh" in ours:
        listed.append(np.stack([ours["bias_ih"], ours["bias_hh"]]))
    elif "bias_ih" in ours:
        listed.append(ours["bias_ih"])
    return listed


def our_arrays(case, listed):
    """Keras's list of gradients by our names."""
    named = {"weight_ih": listed[0].T, "weight_hh": listed[1].T}
    if len(listed) == 3:
        bias = np.atleast_2d(listed[2])
        named |= dict(zip(("bias_ih", "bias_hh"), bias, strict=False))
    return {name: from_keras_order(case, array) for name, array in named.items()}


def keras_layer(case, hidden, dtype):
    kind = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
    options = {"activation": case.activation}
    if case.cell != "rnn":
        options["recurrent_activation"] = case.recurrent_activation
    if case.cell == "gru":
        options["reset_after"] = case.reset_after
    return kind[case.cell](
        hidden,
        use_bias=case.bias != "none",
        return_sequences=True,
        return_state=True,
        dtype=np.dtype(dtype).name,
        **options,
    )


def normal(*size, dtype, seed):
    return np.random.default_rng([seed, *size]).standard_normal(size).astype(dtype) / 2


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_layer(case, shape, dtype, go_backwards):
    steps, batch, inputs, hidden = shape
    arrays = make_arrays(case, inputs, hidden, dtype)
    x = normal(batch, steps, inputs, dtype=dtype, seed=1)
    dy = normal(batch, steps, hidden, dtype=dtype, seed=2)
    state = [normal(batch, hidden, dtype=dtype, seed=3 + k) for k in range(case.states)]
    dstate = [normal(batch, hidden, dtype=dtype, seed=5 + k) for k in range(case.states)]

    layer = keras_layer(case, hidden, dtype)
    layer.go_backwards = go_backwards
    layer.build(x.shape)
    layer.set_weights(keras_arrays(case, arrays))
    theirs = keras_run(layer, x, state, dy, dstate)

    w = CellWeights(case.cell, **arrays, **case.options)
    layout = {"batch_first": True, "go_backwards": go_backwards}
    in_time = slice(None, None, -1 if go_backwards else 1)  # Keras reverses its outputs
    for doors in DOORS.values():
        out = doors.rnn_forward(w, x, tuple(state), training=True, **layout)
        grads = doors.rnn_backward(out.saved, dy[:, in_time], tuple(dstate))
        assert_forward_close(theirs["y"], out.y[:, in_time], "y", BETWEEN_ENGINES)
        for k, part in enumerate(out.state):
            assert_forward_close(theirs["state"][k], part, f"state[{k}]", BETWEEN_ENGINES)
            dpart = theirs["dstate"][k]
            assert_gradient_close(dpart, grads.state[k], f"dstate[{k}]", BETWEEN_ENGINES)
        assert_gradient_close(theirs["dx"], grads.x, "dx", BETWEEN_ENGINES)
        for name, array in our_arrays(case, theirs["weights"]).items():
            assert_gradient_close(array, getattr(grads.weights, name), name, BETWEEN_ENGINES)


def keras_run(layer, x, state, dy, dstate):
    """Forward and backward of a Keras layer, in its own layouts."""
    x = tf.constant(x)
    state = [tf.constant(part) for part in state]
    with tf.GradientTape() as tape:
        tape.watch([x, *state])
        y, *last = layer(x, initial_state=state)
        loss = tf.reduce_sum(y * dy)
        for part, dpart in zip(last, dstate, strict=True):
            loss += tf.reduce_sum(part * dpart)
    variables = [variable.value for variable in layer.trainable_weights]
    dx, dstates, weights = tape.gradient(loss, [x, state, variables])
    return {
        "y": y.numpy(),
        "state": [part.numpy() for part in last],
        "dx": dx.numpy(),
        "dstate": [part.numpy() for part in dstates],
        "weights": [gradient.numpy() for gradient in weights],
    }
