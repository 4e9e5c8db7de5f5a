"""Dense, Dropout, Embedding: values against NumPy, and what they refuse."""

import numpy as np
import pytest

from tidegate.layers import Dense, Dropout, Embedding
from tolerances import assert_forward_close

RNG = np.random.default_rng(0)
ACTIVATIONS = {
    None: lambda a: a,
    "linear": lambda a: a,
    "relu": lambda a: np.maximum(a, 0),
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "softmax": lambda a: np.exp(a) / np.exp(a).sum(-1, keepdims=True),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (2, 4, 3), (2, 3, 4, 1), (0, 3)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense(activation, shape, dtype):
    layer = Dense(4, activation, bias_initializer="random_normal", dtype=dtype)
    x = RNG.standard_normal(shape)
    layer.build(shape[1:], np.random.default_rng(7))
    y = layer(x)
    kernel, bias = (array.astype("f8") for array in layer.get_weights())
    assert y.dtype == dtype
    assert_forward_close(y, ACTIVATIONS[activation](x @ kernel + bias))


def test_dense_without_bias():
    layer = Dense(2, use_bias=False, kernel_initializer="ones")
    np.testing.assert_array_equal(layer([[1.0, 2.0]]), [[3, 3]])
    assert [p.name for p in layer.parameters] == ["kernel"]


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "tanh"])
def test_activations_do_not_overflow(activation):
    layer = Dense(2, activation, kernel_initializer="ones", dtype="float32")
    y = layer(np.array([[3e38], [-3e38]]))
    assert np.isfinite(y).all()


def test_dropout_passes_on_what_is_not_training():
    x = RNG.standard_normal((3, 4)).astype("f4")
    assert Dropout(0.9).forward(x)[0] is x
    assert Dropout(0.0).forward(x, training=True)[0] is x


def test_dropout_drops_its_share_and_scales_the_rest():
    x = np.ones((200, 300), "f4")
    layer = Dropout(0.25)
    y, mask = layer.forward(x, training=True, rng=np.random.default_rng(0))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.005
    np.testing.assert_array_equal(layer.backward(mask, x), y)


def test_dropout_shares_choices_along_an_axis():
    x = np.ones((5, 7, 3), "f4")
    y, _ = Dropout(0.5, noise_shape=(None, 1, None)).forward(
        x, training=True, rng=np.random.default_rng(1)
    )
    assert (y == y[:, :1]).all()
    assert 0 < (y == 0).mean() < 1


@pytest.mark.parametrize("shape", [(3,), (2, 4), (2, 3, 2), (0, 5)], ids=str)
def test_embedding_looks_rows_up(shape):
    layer = Embedding(6, 3)
    tokens = RNG.integers(0, 6, shape)
    y = layer(tokens)
    np.testing.assert_array_equal(y, layer.get_weights()[0][tokens])
    assert np.array_equal(layer(tokens.astype("f4")), y)


def test_embedding_adds_the_gradients_of_equal_tokens():
    layer = Embedding(5, 2, dtype="float64")
    layer.build((4,))
    tokens = np.array([[1, 3, 1, 1], [4, 4, 3, 1]])
    dy = RNG.standard_normal((2, 4, 2))
    layer.parameters[0].grad[...] = 7  # must be overwritten
    layer.backward(tokens, dy)
    expected = np.zeros((5, 2))
    np.add.at(expected, tokens, dy)
    np.testing.assert_allclose(layer.parameters[0].grad, expected, rtol=1e-14)


BAD_CALLS = [
    (lambda: Dense(3)(np.zeros(4)), ValueError, r"input has shape \(N,\); expected \(N, \.\.\., f"),
    (lambda: Dense(3)(5.0), ValueError, "x is a single number"),
    (
        lambda: Dense(3)([[np.nan]]),
        ValueError,
        r"x has the value nan at index \(0, 0\), and 1 of 1",
    ),
    (lambda: Dense(3)([[1e300]]), ValueError, "which float32 cannot hold"),
    (lambda: Dense(3)([["a"]]), TypeError, "x has dtype <U1; expected floats or integers"),
    (lambda: Dense(3)([[1j]]), TypeError, "x has dtype complex128"),
    (lambda: Dense(3)([[None]]), TypeError, "x has dtype object"),
    (lambda: Dense(3)([[1], [2, 3]]), ValueError, "comes with lengths"),
    (lambda: Dense(3)(np.ma.ones((2, 2))), TypeError, "x is a masked array"),
    (lambda: Dense(0), ValueError, "units is 0; expected an integer >= 1"),
    (lambda: Dense(2.5), TypeError, "units is 2.5 of type float; expected an integer"),
    (lambda: Dense(True), TypeError, "units is True of type bool"),
    (lambda: Dense(2, "swish"), ValueError, "activation is 'swish'; expected one of \"linear\""),
    (lambda: Dense(2, use_bias=1), TypeError, "use_bias is 1 of type int; expected True or False"),
    (lambda: Dense(2, dtype="float16"), TypeError, "dtype is 'float16'; expected \"float32\" or"),
    (lambda: Dense(2, dtype=None), TypeError, "dtype is None; expected"),
    (lambda: Dense(2, name="a/b"), ValueError, "name is 'a/b'; expected letters, digits"),
    (lambda: Dense(2, input_shape=3), TypeError, "input_shape is 3; expected a tuple"),
    (lambda: Dense(2, input_shape=(0,)), ValueError, "a size in input_shape is 0"),
    (lambda: Dense(2, input_shape=(None,)).build((None,)), ValueError, "known number of features"),
    (lambda: Dropout(1.0), ValueError, r"rate is 1; expected a finite number >= 0 and < 1"),
    (lambda: Dropout(-0.1), ValueError, "rate is -0.1"),
    (lambda: Dropout("0.1"), TypeError, "rate is '0.1' of type str; expected a number"),
    (lambda: Dropout(0.1, (None, 2))(np.zeros((2, 3))), ValueError, r"noise_shape is \(None, 2\)"),
    (lambda: Embedding(4, 2)([[4]]), ValueError, r"value 4 at index \(0, 0\); expected 0\.\.3"),
    (lambda: Embedding(4, 2)([[0, -1]]), ValueError, r"value -1 at index \(0, 1\); expected 0\.\."),
    (lambda: Embedding(4, 2)([[0.5]]), ValueError, "x has the value 0.5; expected integers"),
    (lambda: Embedding(4, 2)([[np.nan]]), ValueError, "not finite"),
    (lambda: Embedding(0, 2), ValueError, "input_dim is 0"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD_CALLS)
def test_bad_input(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_built_layer_refuses_another_number_of_features():
    layer = Dense(3)
    layer(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"input has shape \(N, 5\); expected \(N, 4\)"):
        layer(np.zeros((2, 5)))


def test_weights_of_a_layer_that_is_not_built():
    for use in (Dense(3).get_weights, lambda: Dense(3).set_weights([])):
        with pytest.raises(RuntimeError, match="the layer 'dense' is not built"):
            use()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], r"weights has 0 arrays; expected 2: kernel \(3, 2\), bias \(2,\)"),
        ([np.zeros((2, 3)), np.zeros(2)], r"value of kernel has shape \(2, 3\); expected \(3, 2\)"),
        ([np.zeros((3, 2)), [0, np.inf]], "value of bias has the value inf"),
        ([np.zeros((3, 2)), ["a", "b"]], "value of bias has dtype"),
    ],
)
def test_set_weights_changes_all_or_nothing(weights, message):
    layer = Dense(2)
    layer.build((3,))
    before = layer.get_weights()
    with pytest.raises((ValueError, TypeError), match=message):
        layer.set_weights(weights)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
