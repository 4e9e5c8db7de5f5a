"""recurrent_dropout beside Keras 3, which gets the masks that our layer draws."""

import os

import numpy as np
import pytest

from test_parity_keras import (
    BETWEEN_ENGINES,
    CellCase,
    assert_forward_close,
    assert_gradient_close,
    keras_arrays,
    keras_layer,
    make_arrays,
    normal,
    our_arrays,
)
from tidegate import CellWeights, functional

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: no gradients of Keras")
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
IN_KERAS = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2), "rnn": (0,)}  # z r h of our r z n


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "case",
    [
        CellCase("lstm", bias="ih"),
        CellCase("gru", bias="both"),
        CellCase("gru", bias="ih", reset_after=False),
        CellCase("rnn", bias="ih"),
    ],
    ids=str,
)
def test_recurrent_dropout(case, dtype):
    steps, batch, inputs, hidden = 6, 5, 4, 33
    arrays = make_arrays(case, inputs, hidden, dtype)
    x = normal(batch, steps, inputs, dtype=dtype, seed=1)
    dy = normal(batch, steps, hidden, dtype=dtype, seed=2)
    rng = np.random.default_rng(3)
    scale = ((rng.random((GATES[case.cell], batch, hidden)) >= 0.4) / 0.6).astype(dtype)

    template = keras_layer(case, hidden, dtype)
    config = template.get_config() | {"recurrent_dropout": 0.4, "return_state": False}
    layer = type(template).from_config(config)
    layer.build(x.shape)
    layer.set_weights(keras_arrays(case, arrays))
    masks = [tf.constant(scale[k]) for k in IN_KERAS[case.cell]]
    layer.cell.get_recurrent_dropout_mask = lambda _: masks if len(masks) > 1 else masks[0]
    x_variable = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x_variable)
        y = layer(x_variable, training=True)
        loss = tf.reduce_sum(y * dy)
    variables = [variable.value for variable in layer.trainable_weights]
    dx, weights = tape.gradient(loss, [x_variable, variables])

    w = CellWeights(case.cell, **arrays, **case.options)
    out = functional.rnn_forward(w, x, recurrent_scale=scale, batch_first=True, training=True)
    grads = functional.rnn_backward(out.saved, dy)
    assert_forward_close(y.numpy(), out.y, "y", BETWEEN_ENGINES)
    assert_gradient_close(dx.numpy(), grads.x, "dx", BETWEEN_ENGINES)
    for name, array in our_arrays(case, [gradient.numpy() for gradient in weights]).items():
        assert_gradient_close(array, getattr(grads.weights, name), name, BETWEEN_ENGINES)
