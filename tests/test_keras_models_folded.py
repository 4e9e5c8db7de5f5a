"""Activation layers of Keras that become the activation of a Dense layer in from_keras."""

import numpy as np
import pytest

from keras_peer import keras
from tidegate.keras import from_keras

L = keras.layers
RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6, 3)).astype("f4")


def assert_alike(theirs, x=X):
    ours = from_keras(theirs)
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(ours.predict(x), expected, rtol=1e-6, atol=1e-6)
    return ours


@pytest.mark.parametrize(
    "make",
    [
        lambda: L.Activation("tanh"),
        lambda: L.Activation("softmax"),
        lambda: L.Activation("leaky_relu"),
        L.ReLU,
        lambda: L.ReLU(negative_slope=0.4),
        L.LeakyReLU,
        lambda: L.LeakyReLU(negative_slope=0.05),
        lambda: L.ELU(alpha=0.6),
        L.Softmax,
    ],
)
def test_in_a_chain(make):
    each = L.TimeDistributed(L.Dense(5))
    ours = assert_alike(
        keras.Sequential(
            [keras.Input((6, 3)), each, make(), L.GRU(4), L.Dense(3), make(), L.Dense(2)]
        )
    )
    assert [type(layer).__name__ for layer in ours.layers] == ["Dense", "GRU", "Dense", "Dense"]


def test_one_activation_layer_at_several_places_and_across_models():
    relu = L.ReLU()
    inside = keras.Sequential([keras.Input((4,)), L.Dense(5), relu, L.Dense(3)])
    assert_alike(keras.Sequential([keras.Input((6, 3)), L.GRU(4), inside, relu, L.Dense(2)]))


def test_in_a_graph():
    x = keras.Input((6, 3))
    shared, head = L.Dense(4), keras.Sequential([keras.Input((4,)), L.Dense(3), L.LeakyReLU()])
    steps = L.Activation("tanh")(L.Dense(5)(x))
    first, second = L.GRU(4)(steps), L.LSTM(4)(steps)
    joined = L.Add()([L.ELU()(shared(first)), L.ELU()(shared(second))])
    y = L.Concatenate()([head(joined), head(first)])
    ours = assert_alike(keras.Model(x, L.Softmax()(L.Dense(2)(y))))
    names = [type(layer).__name__ for layer in ours.layers]
    assert not {"Activation", "ELU", "Softmax"} & set(names)


def chain(*layers):
    return keras.Sequential([keras.Input((6, 3)), *layers])


def graph(join):
    x = keras.Input((3,))
    return keras.Model(x, join(L.Dense(4), x))


def tied():
    dense = L.Dense(3)
    return chain(dense, L.ReLU(), dense)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: chain(L.LSTM(2), L.ReLU()), r"\(ReLU\): no such .*right above a Dense layer that"),
        (lambda: chain(L.Dense(2, "tanh"), L.ReLU()), r"\(ReLU\): no such layer exists"),
        (lambda: chain(L.Dense(2), L.ReLU(), L.ReLU()), r"\(ReLU\): no such layer exists"),
        (lambda: chain(L.Dense(2), L.ReLU(6.0)), r"\(ReLU\): max_value is 6.0; expected None"),
        (lambda: chain(L.Dense(2), L.ReLU(threshold=1.0)), r"threshold is 1.0; expected 0.0"),
        (lambda: chain(L.Dense(2), L.Softmax(axis=1)), r"\(Softmax\): axis is 1; expected -1"),
        (lambda: chain(L.Dense(2), L.Activation("gelu")), r'\(Activation\): activation is "gelu"'),
        (
            lambda: chain(L.Dense(2, dtype="float64"), L.ReLU()),
            r"\(ReLU\): dtype is 'float32'; expected that below it, 'float64'",
        ),
        (
            lambda: chain(L.Masking(), L.Dense(6), L.Softmax()),
            r"\(Softmax\): its input is masked; expected steps that all count",
        ),
        (
            lambda: graph(lambda dense, x: L.Add()([y := dense(x), L.ReLU()(y)])),
            r"\(ReLU\): no such layer exists .*that nothing else reads",
        ),
        (
            lambda: graph(lambda dense, x: L.Add()([L.ReLU()(dense(x)), L.ELU()(dense(x))])),
            r"\(Dense\): has other activations above it in other places; expected the same",
        ),
        (tied, r"\(Dense\): has other activations above it"),
    ],
)
def test_what_does_not_fold_is_refused(make, message):
    with pytest.raises(ValueError, match=f"^from_keras: .*{message}"):
        from_keras(make())
