"""Attention and merging layers beside Keras 3 in float64: outputs, and gradients by TensorFlow."""

import numpy as np
import pytest

from keras_peer import keras, tf
from tidegate import layers
from tidegate.layers import AttentionPooling
from tolerances import BETWEEN_ENGINES, FORWARD

RNG = np.random.default_rng(12)
QUERY, VALUE, KEY = (RNG.standard_normal((4, n, 3)) for n in (5, 7, 7))
WIDE = RNG.standard_normal((4, 7, 6))
QUERY_MASK = np.arange(5) < np.array([5, 2, 1, 3])[:, None]
VALUE_MASK = RNG.random((4, 7)) < 0.6
CLOSE = {name: BETWEEN_ENGINES * size for name, size in FORWARD[np.dtype(np.float64)].items()}
VALUE_MASK[:, 2] = True  # where all steps are masked Keras does another thing


def gradients_of(layer, x, mask, dy):
    y, saved = layer.forward(x, training=True, **({} if mask is None else {"mask": mask}))
    dx = layer.backward(saved, dy)
    return [y, *dx, *(parameter.grad for parameter in layer.parameters)]


def keras_gradients_of(layer, x, mask, dy):
    tensors = [tf.constant(part) for part in x]
    masks = None if mask is None else [None if m is None else tf.constant(m) for m in mask]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        y = layer(tensors) if masks is None else layer(tensors, mask=masks)
        loss = tf.reduce_sum(y * dy)
    variables = [variable.value for variable in layer.trainable_weights]
    gradients = tape.gradient(loss, [*tensors, *variables])
    return [y.numpy(), *(gradient.numpy() for gradient in gradients)]


MASKS = {
    "no mask": None,
    "value": [None, VALUE_MASK],
    "query": [QUERY_MASK, None],
    "both": [QUERY_MASK, VALUE_MASK],
}
KINDS = [
    ("Attention", {}),
    ("Attention", {"use_scale": True}),
    ("AdditiveAttention", {}),
    ("AdditiveAttention", {"use_scale": False}),
]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("inputs", [[QUERY, VALUE], [QUERY, WIDE, KEY]], ids=["two", "three"])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_attention_is_that_of_keras(kind, options, inputs, mask):
    ours = getattr(layers, kind)(**options, dtype="float64")
    peer = getattr(keras.layers, kind)(**options, dtype="float64")
    y = ours(inputs, mask=MASKS[mask])
    peer([tf.constant(part) for part in inputs])
    ours.set_weights([RNG.standard_normal(part.shape) for part in ours.get_weights()])
    peer.set_weights(ours.get_weights())
    dy = RNG.standard_normal(y.shape)
    got = gradients_of(ours, inputs, MASKS[mask], dy)
    expected = keras_gradients_of(peer, inputs, MASKS[mask], dy)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)
    both = ours(inputs, mask=MASKS[mask], return_attention_scores=True)
    theirs = peer(inputs, mask=MASKS[mask], return_attention_scores=True)
    counts = slice(None) if mask in ("no mask", "value") else QUERY_MASK  # others are no queries
    for a, b in zip(both, theirs, strict=True):
        np.testing.assert_allclose(a[counts], np.asarray(b)[counts], **CLOSE)


@pytest.mark.parametrize("mask", [None, VALUE_MASK], ids=["no mask", "mask"])
def test_pooling_is_what_tensorflow_derives(mask):
    pool = AttentionPooling(5, dtype="float64")
    pool.build((7, 6))
    pool.set_weights([RNG.standard_normal(part.shape) for part in pool.get_weights()])
    dy = RNG.standard_normal((4, 6))
    y, saved = pool.forward(WIDE, training=True, mask=mask)
    got = [y, pool.backward(saved, dy), *(parameter.grad for parameter in pool.parameters)]
    x, kernel, bias, query = (tf.Variable(part) for part in (WIDE, *pool.get_weights()))
    with tf.GradientTape() as tape:
        scores = tf.linalg.matvec(tf.tanh(x @ kernel + bias), query)
        if mask is not None:
            scores = tf.where(mask, scores, -1e30)
        expected = tf.reduce_sum(tf.nn.softmax(scores)[..., None] * x, axis=1)
        loss = tf.reduce_sum(expected * dy)
    gradients = tape.gradient(loss, [x, kernel, bias, query])
    for a, b in zip(got, [expected, *gradients], strict=True):
        np.testing.assert_allclose(a, b.numpy(), **CLOSE)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("Add", {}),
        ("Multiply", {}),
        ("Average", {}),
        ("Concatenate", {}),
        ("Concatenate", {"axis": 1}),
    ],
)
def test_merging_is_that_of_keras(kind, options):
    arrays = [RNG.standard_normal((4, 7, 3)) for _ in range(3)]
    ours = getattr(layers, kind)(**options, dtype="float64")
    peer = getattr(keras.layers, kind)(**options, dtype="float64")
    y = ours(arrays)
    dy = RNG.standard_normal(y.shape)
    for a, b in zip(
        gradients_of(ours, arrays, None, dy),
        keras_gradients_of(peer, arrays, None, dy),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, **CLOSE)
    masks = [VALUE_MASK, RNG.random((4, 7)) < 0.5, RNG.random((4, 7)) < 0.5]
    for given in (masks, [masks[0], None, masks[1]]):
        got, expected = ours.output_mask(arrays, given), peer.compute_mask(arrays, given)
        # No mask and a mask of every step are the same.
        every = np.ones(y.shape[:2], bool)
        got, expected = (every if mask is None else np.asarray(mask) for mask in (got, expected))
        np.testing.assert_array_equal(got, expected)
