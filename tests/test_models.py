"""Sequential: its structure, its flat buffers, its weights; shapes of x; copies."""

import copy
import pickle

import numpy as np
import pytest

import tidegate as tg
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Dropout, Embedding, Input, Layer
from tidegate.models import Sequential
from tidegate.training import optimizers

RNG = np.random.default_rng(0)


def small(**options):
    return Sequential([LSTM(3, input_shape=(5, 2)), Dropout(0.5), Dense(1)], seed=1, **options)


def test_names_are_made_unique():
    model = Sequential([GRU(2, return_sequences=True, input_shape=(4, 1)), GRU(2), Dense(1)])
    assert [layer.name for layer in model.layers] == ["gru", "gru_1", "dense"]
    assert list(model.named_weights())[:2] == ["gru/weight_ih", "gru/weight_hh"]


def test_all_parameters_are_views_of_one_buffer_per_dtype():
    model = Sequential(
        [LSTM(3, input_shape=(4, 2), dtype="float64"), Dense(2), Dense(1, dtype="float64")]
    )
    assert [flat.dtype for flat in model.buffers] == [np.float32, np.float64]
    for flat in model.buffers:
        total = sum(parameter.size for parameter in flat.parameters)
        assert flat.values.shape == flat.gradients.shape == (total,)
    for parameter in model.parameters.values():
        flat = next(flat for flat in model.buffers if parameter in flat.parameters)
        assert np.shares_memory(parameter.value, flat.values)
        assert np.shares_memory(parameter.grad, flat.gradients)
    assert model.predict(np.zeros((2, 4, 2))).dtype == np.float64


def test_the_first_weights_do_not_depend_on_how_the_model_grew():
    at_once = small()
    step_by_step = Sequential(seed=1)
    for layer in (LSTM(3, input_shape=(5, 2)), Dropout(0.5), Dense(1)):
        step_by_step.add(layer)
    late = Sequential([LSTM(3), Dropout(0.5), Dense(1)], seed=1)
    late.predict(np.zeros((1, 5, 2)))
    for model in (step_by_step, late):
        for a, b in zip(at_once.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_equal_layers_start_differently():
    model = Sequential([LSTM(3, return_sequences=True, input_shape=(4, 3)), LSTM(3)], seed=0)
    first, second = (model.named_weights()[f"{name}/weight_hh"] for name in ("lstm", "lstm_1"))
    assert not np.array_equal(first, second)


def test_adding_keeps_what_is_there():
    model = small()
    before = model.get_weights()
    model.add(Dense(2))
    for old, new in zip(before, model.get_weights(), strict=False):
        np.testing.assert_array_equal(old, new)
    assert model.output_shape == (2,)
    assert model.pop().name == "dense_1"
    assert model.predict(np.zeros((1, 5, 2))).shape == (1, 1)


def test_a_layer_that_does_not_fit_leaves_the_model_as_it_was():
    model = small()
    with pytest.raises(ValueError, match=r"expected \(N, steps, features\)"):
        model.add(LSTM(3))
    assert len(model.layers) == 3
    assert model.predict(np.zeros((1, 5, 2))).shape == (1, 1)


@pytest.mark.parametrize(
    ("declared", "given", "seen"),
    [
        ((10, 1), (4, 10), (4, 10, 1)),  # as in the textbook program
        ((None, 1), (4, 10), (4, 10, 1)),
        ((10, 2), (4, 10, 2), (4, 10, 2)),
        ((10, 2), (4, 10, 2, 1), (4, 10, 2)),
    ],
)
def test_an_axis_of_size_one_may_be_missing_or_too_many(declared, given, seen):
    model = Sequential([LSTM(3, input_shape=declared)], seed=0)
    x = RNG.random(given)
    np.testing.assert_array_equal(model.predict(x), model.predict(x.reshape(seen)))


def test_a_model_built_on_data_takes_any_number_of_steps():
    model = Sequential([Embedding(5, 2), Bidirectional(GRU(3))])
    assert model.predict(np.zeros((2, 4), int)).shape == (2, 6)
    assert model.predict(np.zeros((3, 9), int)).shape == (3, 6)
    assert model.input_shape == (None,)


def test_predict_does_not_depend_on_the_batch_size():
    model = small()
    x = RNG.standard_normal((37, 5, 2))
    expected = model.predict(x)
    assert expected.shape == (37, 1)
    for size in (1, 5, 37, 100):
        np.testing.assert_allclose(model.predict(x, batch_size=size), expected, rtol=1e-5)
    assert model.predict(x[:0]).shape == (0, 1)
    np.testing.assert_array_equal(model(x), expected)


def test_predict_keeps_nothing_of_the_caller_s():
    model = Sequential([Input((3,)), Dropout(0.5)])
    x = np.ones((2, 3), "f4")
    y = model.predict(x)
    y[...] = 5
    assert (x == 1).all()


def test_weights_round_trip():
    model, other = small(), Sequential([LSTM(3, input_shape=(5, 2)), Dense(1)])
    other.set_weights(model.get_weights())
    x = RNG.standard_normal((4, 5, 2))
    np.testing.assert_array_equal(model.predict(x), other.predict(x))


def test_named_weights_are_read_only_views():
    model = small()
    view = model.named_weights()["lstm/weight_ih"]
    with pytest.raises(ValueError, match="read-only"):
        view[...] = 0
    model.set_weights([np.ones_like(value) for value in model.get_weights()])
    assert (view == 1).all()


def test_summary(capsys):
    Sequential([LSTM(10, input_shape=(10, 1)), Dense(1)], name="mine").summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == 'Model: "mine"'
    assert lines[3].split() == ["lstm", "(LSTM)", "(N,", "10)", "480"]
    assert lines[4].split() == ["dense", "(Dense)", "(N,", "1)", "11"]
    assert lines[-1] == "Trained parameters: 491 (1.92 KiB)"
    text = []
    Sequential([LSTM(10)]).summary(print_fn=text.append)
    assert "Not built" in text[0]
    assert "0 (unbuilt)" in text[0]


@pytest.mark.parametrize("how", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_goes_on_like_the_original(how):
    model = small()
    model.compile("adam", "mse", metrics=["mae"])
    x, y = RNG.standard_normal((20, 5, 2)), RNG.standard_normal(20)
    model.fit(x, y, epochs=2, verbose=0)
    other = how(model)
    before = other.predict(x)
    ours = model.fit(x, y, epochs=2, verbose=0).history
    np.testing.assert_array_equal(other.predict(x), before)  # nothing is shared
    assert other.fit(x, y, epochs=2, verbose=0).history == ours
    np.testing.assert_array_equal(other.predict(x), model.predict(x))


def test_a_copied_model_trains_its_own_buffers():
    model = copy.deepcopy(small())
    for parameter in model.parameters.values():
        assert any(np.shares_memory(parameter.value, flat.values) for flat in model.buffers)


def test_the_package_offers_the_names_of_the_design():
    assert tg.models.Sequential is Sequential
    assert tg.layers.LSTM is LSTM
    assert tg.load.__module__ == "tidegate.io"


class Doubled(Layer):
    """A layer of the user's."""

    def _declare(self, input_shape):
        return (), input_shape

    def forward(self, x, *, training=False, rng=None):
        return 2 * x, None

    def backward(self, saved, dy, *, need_dx=True):
        return 2 * dy


def test_a_layer_of_the_users():
    model = Sequential([Input((2,)), Doubled(), Dense(1, kernel_initializer="ones")])
    np.testing.assert_array_equal(model.predict([[1, 2]]), [[6]])
    model.compile("sgd", "mse")
    assert model.train_on_batch([[1, 2]], [5]) == 1.0


BAD_MODELS = [
    (lambda: Sequential([Dense]), TypeError, "expected a Layer or an Input .a class needs par"),
    (lambda: Sequential([Dense(1), Input((3,))]), ValueError, "Input comes after other layers"),
    (lambda: Sequential([Dense(1, name="a"), Dense(1, name="a")]), ValueError, "'a' is used twi"),
    (lambda: Sequential([Dense(1), Embedding(3, 2)]), ValueError, "expected it as the first"),
    (
        lambda: Sequential([LSTM(3, return_state=True)]),
        ValueError,
        r"return_state=True\); expected",
    ),
    (lambda: Sequential(seed=-1), ValueError, "seed is -1; expected an integer >= 0"),
    (lambda: Sequential(seed=1.5), TypeError, "seed is 1.5 of type float"),
    (lambda: Sequential(name=3), TypeError, "name is 3; expected a string"),
    (lambda: Sequential().pop(), ValueError, "the model has no layers"),
    (lambda: Sequential().predict([[1]]), ValueError, "predict: the model has no layers"),
    (lambda: Sequential([Dense(1)]).get_weights(), RuntimeError, "get_weights: the model is not b"),
    (lambda: Sequential([Dense(1)]).count_params(), RuntimeError, "expected input_shape=... in"),
    (lambda: Sequential([Dense(1)]).save("x"), RuntimeError, "save: the model is not built"),
    (lambda: copy.copy(Sequential([Dense(1)])), RuntimeError, "copy: the model is not built"),
    (lambda: small().predict(np.zeros((2, 4, 2))), ValueError, r"\(2, 4, 2\); expected \(N, 5, 2"),
    (lambda: small().predict(np.zeros((2, 5, 3))), ValueError, r"expected \(N, 5, 2\), as the mo"),
    (lambda: small().predict(np.zeros((2, 5))), ValueError, r"shape \(2, 5\); expected \(N, 5"),
    (lambda: small().predict(np.zeros(5)), ValueError, r"shape \(5,\); expected"),
    (lambda: small().predict(np.full((1, 5, 2), np.inf)), ValueError, r"predict: x has .* inf at"),
    (lambda: small().predict(np.zeros((1, 5, 2)), 0), ValueError, "batch_size is 0"),
    (lambda: small().set_weights([]), ValueError, "weights has 0 arrays; expected 5"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD_MODELS)
def test_bad_models(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_layer_belongs_to_one_model():
    layer = Dense(2, input_shape=(3,))
    model = Sequential([layer], name="first")
    with pytest.raises(ValueError, match="layer 'dense' is in this model already"):
        model.add(layer)
    with pytest.raises(ValueError, match="layer 'dense' is in the model 'first' already"):
        Sequential([layer])
    model.pop()
    moved = Sequential([layer])
    assert moved.predict(np.zeros((1, 3))).shape == (1, 2)


def test_what_models_and_optimizers_print_as():
    model = Sequential([LSTM(4, input_shape=(3, 2)), Dense(1)], name="tides")
    assert repr(model) == "<Sequential 'tides' of [LSTM, Dense], output (N, 1)>"
    assert repr(Sequential([Dense(2)])) == "<Sequential 'sequential' of [Dense]>"
    assert repr(optimizers.SGD(0.1, 0.9)) == "SGD(learning_rate=0.1, momentum=0.9, nesterov=False)"
    decay = optimizers.ExponentialDecay(0.1, 10, 0.5)
    assert repr(optimizers.SGD(decay)).startswith("SGD(learning_rate=ExponentialDecay, ")
