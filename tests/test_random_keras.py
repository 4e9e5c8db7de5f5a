"""Random recurrent layers beside Keras 3's: output, states, and every gradient, with masks.

Gaps anywhere, leading padding, rows that are masked throughout; both resets, go_backwards,
zero_output_for_mask, initial states, Bidirectional with every merge. Dropout is off.
"""

import pytest

from keras_peer import keras_layer, tf, weights_of
from random_runs import SEEDS, Draw
from tidegate import layers
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

BOUNDED = ("sigmoid", "tanh", "softsign")  # gates that cannot multiply states up to infinity
ACTIVATIONS = (*BOUNDED, "relu", "linear", "softplus", "elu")


def random_layer(draw):
    """A layer that is not built yet."""
    kind = draw.one("LSTM", "GRU", "SimpleRNN")
    options = {
        "use_bias": draw.chance(0.8),
        "return_sequences": draw.chance(),
        "activation": draw.one("tanh", "tanh", *ACTIVATIONS),
        "dtype": "float64",
    }
    if kind != "SimpleRNN":
        options["recurrent_activation"] = draw.one("sigmoid", *BOUNDED)
    if kind == "GRU":
        options["reset_after"] = draw.chance()
    if draw.chance(0.3):
        merge = draw.one("concat", "sum", "mul", "ave")
        layer = getattr(layers, kind)(draw.size(), **options)
        return layers.Bidirectional(layer, merge_mode=merge)
    options["go_backwards"] = draw.chance(0.3)
    # Keras documents it for sequences only; without them its backends differ.
    options["zero_output_for_mask"] = options["return_sequences"] and draw.chance(0.3)
    return getattr(layers, kind)(draw.size(), **options)


@pytest.mark.parametrize("seed", SEEDS)
def test_layer(seed):
    draw = Draw(seed)
    layer = random_layer(draw)
    batch, steps, width = (draw.size() for _ in range(3))
    x = draw.normal(batch, steps, width)
    mask = draw.mask(batch, steps) if draw.chance(0.7) else None
    layer.build((steps, width), draw.rng)
    y, saved = layer.forward(x, training=True, mask=mask)
    dy = draw.normal(*y.shape)
    dx = layer.backward(saved, dy)

    other = keras_layer(layer)
    other.build((batch, steps, width))
    other.set_weights(weights_of(layer))
    x_keras = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x_keras)
        y_keras = other(x_keras, mask=None if mask is None else tf.constant(mask))
        loss = tf.reduce_sum(y_keras * dy)
    expected_dx, *expected = tape.gradient(loss, [x_keras, *other.trainable_weights])
    assert_forward_close(y, y_keras.numpy(), "y", BETWEEN_ENGINES)
    assert_gradient_close(dx, expected_dx.numpy(), "dx", BETWEEN_ENGINES)
    for ours, theirs in zip(weights_of(layer, "grad"), expected, strict=True):
        assert_gradient_close(ours, theirs.numpy(), layer.name, BETWEEN_ENGINES)
