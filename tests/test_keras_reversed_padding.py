"""`go_backwards` on right-padded sequences: what Keras 3 does, and what the doors do."""

import numpy as np
import pytest

from keras_peer import keras_layer, tf, weights_of
from tidegate import functional
from tidegate.layers import GRU, LSTM, SimpleRNN
from tidegate.sequences import lengths_to_mask
from tolerances import BETWEEN_ENGINES, assert_forward_close, assert_gradient_close

LENGTHS = np.array([6, 2, 4, 1, 0])
T, F, H = 6, 3, 4
RNG = np.random.default_rng(12)
X = RNG.standard_normal((len(LENGTHS), T, F))
KINDS = pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])


@KINDS
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("zero", [False, True])
def test_layers_do_what_keras_does(kind, sequences, zero):
    layer = kind(
        H,
        return_sequences=sequences,
        go_backwards=True,
        zero_output_for_mask=zero and sequences,
        dtype="float64",
    )
    mask = lengths_to_mask(LENGTHS, T)
    layer.build((T, F))
    y, saved = layer.forward(X, training=True, mask=mask)
    dy = RNG.standard_normal(y.shape)
    dx = layer.backward(saved, dy)
    other = keras_layer(layer)
    other.build(X.shape)
    other.set_weights(weights_of(layer))
    with tf.GradientTape() as tape:
        tape.watch(x := tf.constant(X))
        theirs = other(x, mask=tf.constant(mask))
        loss = tf.reduce_sum(theirs * dy)
    expected_dx, *dweights = tape.gradient(loss, [x, *other.trainable_weights])
    assert_forward_close(y, theirs.numpy(), "y", BETWEEN_ENGINES)
    assert_gradient_close(dx, expected_dx.numpy(), "dx", BETWEEN_ENGINES)
    for ours, expected in zip(weights_of(layer, "grad"), dweights, strict=True):
        assert_gradient_close(ours, expected.numpy(), layer.name, BETWEEN_ENGINES)


@KINDS
def test_padding_comes_first_and_the_last_valid_step_is_processed_first(kind):
    layer = kind(H, return_sequences=True, go_backwards=True, dtype="float64")
    y = layer(X, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(y[row, : T - length], 0)
        alone = layer(X[row : row + 1, :length])[0] if length else np.zeros((0, H))
        np.testing.assert_array_equal(y[row, T - length :], alone)


@KINDS
def test_the_door_keeps_the_order_of_x(kind):
    layer = kind(H, return_sequences=True, go_backwards=True, dtype="float64")
    y = layer(X, lengths=LENGTHS)
    out = functional.rnn_forward(
        layer.cell_weights, X, lengths=LENGTHS, go_backwards=True, batch_first=True
    )
    np.testing.assert_array_equal(out.y, y[:, ::-1])
