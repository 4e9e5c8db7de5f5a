"""Arguments that `fit`, `evaluate` and `predict` refuse, and when: before anything is trained."""

import numpy as np
import pytest

from tidegate.layers import LSTM, Dense, Dropout, Embedding, Input
from tidegate.models import Sequential

X, Y = np.ones((6, 4, 2)), np.ones(6)


def make():
    model = Sequential([LSTM(3, input_shape=(4, 2)), Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model


def fit(x=X, y=Y, **options):
    return make().fit(x, y, **{"verbose": 0, **options})


BAD_CALLS = [
    (lambda: fit(X[:0], Y[:0]), ValueError, r"fit: x has no samples, shape \(0, 4, 2\)"),
    (lambda: fit([], []), ValueError, r"x has shape \(0,\); expected \(N, 4, 2\)|no samples"),
    (lambda: fit(y=Y[:5]), ValueError, "fit: y has 5 samples; expected 6, as x has"),
    (lambda: fit(y=None), ValueError, "fit: y is missing; expected one target for each sample"),
    (lambda: fit(X * np.nan), ValueError, r"fit: x .* nan at index \(0, 0, 0\), and 48 of 48 va"),
    (lambda: fit(X * np.nan), ValueError, "drop those samples, or fill the gaps"),
    (lambda: fit(X * 1e39), ValueError, "which float32 cannot hold"),
    (lambda: fit(X.astype(object)), TypeError, "fit: x has dtype object; expected floats"),
    (lambda: fit(X.astype(complex)), TypeError, "fit: x has dtype complex128"),
    (lambda: fit(X.astype(str)), TypeError, "fit: x has dtype <U"),
    (lambda: fit(np.ma.masked_equal(X, 1)), TypeError, "fit: x is a masked array"),
    (lambda: fit(None), TypeError, "fit: x is of type NoneType|x has dtype object"),
    (lambda: fit(X[:, :3]), ValueError, r"fit: x has shape \(6, 3, 2\); expected \(N, 4, 2\)"),
    (lambda: fit(batch_size=0), ValueError, "fit: batch_size is 0; expected an integer >= 1"),
    (lambda: fit(batch_size=2.0), TypeError, "batch_size is 2.0 of type float"),
    (lambda: fit(epochs=-1), ValueError, "epochs is -1; expected an integer >= 0"),
    (lambda: fit(epochs="3"), TypeError, "epochs is '3' of type str"),
    (lambda: fit(initial_epoch=-1), ValueError, "initial_epoch is -1"),
    (lambda: fit(shuffle="batch"), TypeError, "shuffle is 'batch' of type str; expected True"),
    (lambda: fit(seed=-3), ValueError, "seed is -3"),
    (lambda: fit(callbacks=[3]), TypeError, "callbacks has 3; expected objects of Callback"),
    (lambda: fit(validation_split=1.0), ValueError, "validation_split is 1; expected .* < 1"),
    (lambda: fit(validation_split=0.9), ValueError, "leaves 0 of 6 samples for training and 6"),
    (
        lambda: fit(validation_data=X),
        ValueError,
        r"validation_data is a ndarray; expected \(x, y\)",
    ),
    (lambda: fit(validation_data=(X, Y[:2])), ValueError, "validation_data: y has 2 samples"),
    (lambda: fit(validation_data=(X[:0], [])), ValueError, "validation_data: x has no samples"),
    (lambda: fit(class_weight=[1]), TypeError, "class_weight is a list; expected {class: weight}"),
    (lambda: fit(class_weight={1: -1}), ValueError, "a class_weight is -1"),
    (lambda: fit(class_weight={}, sample_weight=Y), ValueError, "are given; expected one"),
    (lambda: make().evaluate(X[:0], Y[:0]), ValueError, "evaluate: x has no samples"),
    (lambda: make().train_on_batch(X, Y[:2]), ValueError, "train_on_batch: y has 2 samples"),
    (lambda: Sequential([Dense(1)]).fit(X, Y), RuntimeError, "no loss; expected compile"),
    (lambda: Sequential().fit(X, Y), ValueError, "fit: the model has no layers"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD_CALLS)
def test_bad_calls(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_nothing_is_trained_when_an_argument_is_refused():
    model = make()
    before = model.get_weights()
    with pytest.raises(ValueError, match="validation_data: y has 2"):
        model.fit(X, Y, validation_data=(X, Y[:2]), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_compiled_without_a_loss():
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("adam")
    with pytest.raises(RuntimeError, match="evaluate: the model has no loss"):
        model.evaluate([[1, 2]], [1])
    assert model.predict([[1, 2]]).shape == (1, 1)


def test_a_model_without_parameters_cannot_learn():
    model = Sequential([Input((2,)), Dropout(0.5)])
    model.compile("adam", "mse")
    assert model.evaluate([[1, 2]], [[1, 2]]) == 0
    with pytest.raises(ValueError, match="fit: the model has no parameters to train"):
        model.fit([[1, 2]], [[1, 2]], verbose=0)


def test_tokens_out_of_range():
    model = Sequential([Embedding(5, 2, input_shape=(3,)), LSTM(2), Dense(1)])
    model.compile("adam", "mse")
    message = r"fit: x has the value 5 at index \(1, 2\); expected 0\.\.4, as embedding has input_d"
    with pytest.raises(ValueError, match=message):
        model.fit([[0, 1, 2], [3, 4, 5]], [0, 1], verbose=0)
    with pytest.raises(ValueError, match="predict: x has the value -1"):
        model.predict([[0, -1, 2]])


def unaligned(array):
    content = np.frombuffer(b"\0" + array.tobytes(), np.uint8)
    return content[1:].view(array.dtype).reshape(array.shape)


STRANGE = {
    "fortran": np.asfortranarray,
    "reversed": lambda a: a[::-1][::-1],
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "read-only": lambda a: np.broadcast_to(a, a.shape),
    "unaligned": unaligned,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "list": lambda a: a.tolist(),
    "float64": lambda a: a.astype("f8"),
    "float16": lambda a: a.astype("f2").astype("f2"),
}


@pytest.mark.parametrize("how", STRANGE)
def test_arrays_of_any_layout(how):
    rng = np.random.default_rng(0)
    x, y = (np.round(rng.standard_normal(s) * 8).astype("f4") / 8 for s in ((6, 4, 2), (6, 1)))
    expected, model = make(), make()
    expected.fit(x, y, epochs=2, verbose=0)
    model.fit(STRANGE[how](x), STRANGE[how](y), epochs=2, verbose=0)
    for a, b in zip(expected.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.predict(STRANGE[how](x)), expected.predict(x))
