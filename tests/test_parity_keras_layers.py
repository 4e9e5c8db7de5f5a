"""Layers beside Keras's: merges of Bidirectional, and stateful layers over several calls."""

import numpy as np
import pytest

from keras_peer import keras, tf, weights_of
from tidegate.layers import GRU, LSTM, Bidirectional, SimpleRNN
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

RNG = np.random.default_rng(6)
LAYERS = {"LSTM": LSTM, "GRU": GRU, "SimpleRNN": SimpleRNN}


def normal(*shape):
    return RNG.standard_normal(shape).astype("f4")


def listed(outputs):
    """Outputs of a layer, ours or Keras's, as a flat list of arrays."""
    return [np.asarray(part) for part in (outputs if isinstance(outputs, tuple) else (outputs,))]


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("sequences", [False, True])
def test_merges_and_states(kind, mode, sequences):
    options = {"return_sequences": sequences, "return_state": True}
    ours = Bidirectional(LAYERS[kind](4, **options), mode)
    theirs = keras.layers.Bidirectional(getattr(keras.layers, kind)(4, **options), mode)
    x = normal(3, 5, 2)
    state = [normal(3, 4) for _ in range(4 if kind == "LSTM" else 2)]
    ours(x)
    theirs(x)
    theirs.set_weights(weights_of(ours))
    for arguments in ((x,), (x, state)):
        given = {"initial_state": state} if len(arguments) == 2 else {}
        expected = listed(tuple(theirs(x, **given)))
        got = listed(ours(*arguments))
        assert len(got) == len(expected)
        for k, (a, b) in enumerate(zip(got, expected, strict=True)):
            assert_forward_close(a, b, f"output {k}", BETWEEN_ENGINES)


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("sequences", [False, True])
def test_gradients_of_merges(mode, sequences):
    options = {"return_sequences": sequences}
    back = {**options, "go_backwards": True}
    ours = Bidirectional(LSTM(4, **options), mode, LSTM(4, activation="relu", **back))
    theirs = keras.layers.Bidirectional(
        keras.layers.LSTM(4, **options),
        mode,
        backward_layer=keras.layers.LSTM(4, activation="relu", **back),
    )
    x = normal(3, 5, 2)
    dy = normal(*ours(x).shape)
    theirs(x)
    theirs.set_weights(weights_of(ours))
    with tf.GradientTape() as tape:
        tape.watch(given := tf.constant(x))
        loss = tf.reduce_sum(theirs(given) * dy)
    dx, dweights = tape.gradient(loss, [given, [v.value for v in theirs.trainable_weights]])
    _, saved = ours.forward(x, training=True)
    assert_gradient_close(ours.backward(saved, dy), dx.numpy(), "dx", BETWEEN_ENGINES)
    for parameter, gradient in zip(ours.parameters, dweights, strict=True):
        expected = gradient.numpy().T  # of a bias: itself
        assert_gradient_close(parameter.grad, expected, parameter.name, BETWEEN_ENGINES)


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("kind", LAYERS)
def test_stateful_layers_go_on_where_they_were(kind, both_ways):
    options = {"return_sequences": True, "stateful": True}
    ours, theirs = LAYERS[kind](4, **options), getattr(keras.layers, kind)(4, **options)
    if both_ways:
        ours, theirs = Bidirectional(ours), keras.layers.Bidirectional(theirs)
    model = keras.Sequential([keras.Input(batch_shape=(3, 5, 2)), theirs])
    ours(np.zeros((3, 5, 2)))
    ours.reset_states()
    theirs.set_weights(weights_of(ours))
    for k in range(4):
        x = normal(3, 5, 2)
        if k == 3:
            ours.reset_states()
            theirs.reset_states()
        assert_forward_close(ours(x), model(x).numpy(), f"call {k}", BETWEEN_ENGINES)
