"""`fit` beside Keras 3: the same weights and data, the same losses, metrics and weights after."""

import numpy as np
import pytest

from keras_peer import assert_same_weights, keras, twin
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Embedding, Input, SimpleRNN
from tidegate.models import Sequential
from tidegate.training import losses
from tolerances import KERAS_FIT

# Keras on TensorFlow makes arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
RNG = np.random.default_rng(5)


def regression(*shape):
    return RNG.standard_normal((50, 7, 3)).astype("f4"), RNG.standard_normal((50, *shape))


def tokens():
    return RNG.integers(0, 11, (50, 7)), RNG.integers(0, 4, (50,))


MODELS = {
    "lstm": ([Input((7, 3)), LSTM(5), Dense(2)], regression(2), "mse", ["mae"]),
    "lstm relu": ([Input((7, 3)), LSTM(5, activation="relu"), Dense(2)], regression(2), "mse", []),
    "gru": ([Input((7, 3)), GRU(5), Dense(2)], regression(2), "huber", ["mse"]),
    "gru before": ([Input((7, 3)), GRU(5, reset_after=False), Dense(1)], regression(), "mae", []),
    "rnn": ([Input((7, 3)), SimpleRNN(5), Dense(1)], regression(), "mse", []),
    "backwards": (
        [Input((7, 3)), GRU(4, return_sequences=True, go_backwards=True), LSTM(3), Dense(1)],
        regression(),
        "mse",
        [],
    ),
    "sequences": (
        [
            Input((7, 3)),
            LSTM(4, return_sequences=True),
            GRU(3, return_sequences=True),
            Dense(2, activation="tanh"),
        ],
        regression(7, 2),
        "mse",
        ["mae", "root_mean_squared_error"],
    ),
    "bidirectional": (
        [
            Input((7, 3)),
            Bidirectional(LSTM(4, return_sequences=True)),
            Bidirectional(GRU(3)),
            Dense(1, use_bias=False),
        ],
        regression(1),
        "mse",
        [],
    ),
    "embedding": (
        [Input((7,)), Embedding(11, 6), LSTM(5), Dense(4, activation="softmax")],
        tokens(),
        "sparse_categorical_crossentropy",
        ["accuracy"],
    ),
    "binary": (
        [Input((7, 3)), GRU(5), Dense(1, activation="sigmoid")],
        (regression()[0], RNG.integers(0, 2, 50)),
        "binary_crossentropy",
        ["accuracy", "mse"],
    ),
    "one hot": (
        [Input((7, 3)), LSTM(5), Dense(4, activation="softmax")],
        (regression()[0], np.eye(4)[RNG.integers(0, 4, 50)]),
        "categorical_crossentropy",
        ["accuracy"],
    ),
}


# A metric that Keras knows by its class only.
KERAS_NAMES = {"root_mean_squared_error": "RootMeanSquaredError"}


@pytest.mark.parametrize("name", MODELS)
def test_fit_follows_keras(name):
    layers, (x, y), loss, watched = MODELS[name]
    model = Sequential(layers, seed=1)
    copy = twin(model)
    assert model.count_params() == copy.count_params()
    # Keras on TensorFlow feeds Adam's v with the squares of an embedding's row gradients before
    # they are summed, which is not Adam; SGD is linear.
    optimizer = "sgd" if name == "embedding" else "adam"
    model.compile(optimizer=optimizer, loss=loss, metrics=list(watched))
    watched = [KERAS_NAMES.get(metric, metric) for metric in watched]
    copy.compile(optimizer=optimizer, loss=loss, metrics=watched)
    options = {"epochs": 4, "batch_size": 16, "shuffle": False, "verbose": 0}
    ours = model.fit(x, y, validation_split=0.2, **options).history
    theirs = copy.fit(x, y, validation_split=0.2, **options).history
    for long, short in KERAS_NAMES.items():
        theirs = {key.replace(short, long): values for key, values in theirs.items()}
    assert ours.keys() == theirs.keys()
    for key, values in ours.items():
        np.testing.assert_allclose(values, theirs[key], err_msg=key, **KERAS_FIT)
    np.testing.assert_allclose(model.predict(x), copy.predict(x, verbose=0), **KERAS_FIT)
    assert_same_weights(model, copy, **KERAS_FIT)


@pytest.mark.parametrize("weights", ["samples", "classes"])
def test_weighted_fit_follows_keras(weights):
    _, (x, y), _, _ = MODELS["embedding"]
    layers = [Input((7,)), Embedding(11, 6), GRU(5), Dense(4)]
    model = Sequential(layers, seed=2)
    copy = twin(model)
    for one, kind in ((model, losses), (copy, keras.losses)):
        one.compile(
            optimizer="sgd",
            loss=kind.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            weighted_metrics=["sparse_categorical_accuracy"],
        )
    options = {"epochs": 3, "batch_size": 20, "shuffle": False, "verbose": 0}
    if weights == "samples":
        options["sample_weight"] = np.linspace(0, 3, len(x))
    else:
        options["class_weight"] = {0: 0.5, 2: 4.0}
    ours, theirs = model.fit(x, y, **options).history, copy.fit(x, y, **options).history
    assert set(ours) == set(theirs)
    for key, values in ours.items():
        np.testing.assert_allclose(values, theirs[key], err_msg=key, **KERAS_FIT)
    assert_same_weights(model, copy, **KERAS_FIT)


@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])
def test_first_weights_have_the_spread_of_keras(kind):
    ours = Sequential([Input((None, 20)), kind(30)], seed=3)
    theirs = keras.Sequential([keras.Input((None, 20)), getattr(keras.layers, kind.__name__)(30)])
    kernel, recurrent, bias = (np.asarray(v) for v in theirs.layers[0].get_weights())
    named = {name.partition("/")[2]: value for name, value in ours.named_weights().items()}
    limit = np.sqrt(6 / (20 + named["weight_ih"].shape[0]))
    for value in (kernel, named["weight_ih"]):
        assert 0.98 * limit < np.abs(value).max() <= limit
    for value in (recurrent.T, named["weight_hh"]):
        np.testing.assert_allclose(value.T @ value, np.eye(30), atol=1e-5)
    np.testing.assert_array_equal(np.atleast_2d(bias)[0], named["bias_ih"])
