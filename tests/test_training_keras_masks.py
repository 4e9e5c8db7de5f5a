"""`fit` on masked sequences beside Keras 3: the same losses, metrics and weights."""

import numpy as np
import pytest

from keras_peer import assert_same_weights, keras, twin
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Embedding, Input, Masking, SimpleRNN
from tidegate.models import Sequential
from tidegate.training import losses
from tolerances import KERAS_FIT

# Keras on TensorFlow makes arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
RNG = np.random.default_rng(7)
N, T, F = 40, 7, 3
MASK = RNG.random((N, T)) < 0.6  # gaps anywhere
MASK[:10] = np.arange(T) < RNG.integers(1, T + 1, 10)[:, None]
MASK[10:20] = np.arange(T) >= RNG.integers(0, T, 10)[:, None]
MASK[[3, 30]] = False  # nothing at all
X = np.where(MASK[..., None], RNG.standard_normal((N, T, F)), 0).astype("f4")
TOKENS = np.where(MASK, RNG.integers(1, 11, (N, T)), 0)
NUMBERS = RNG.standard_normal((N, T, 2))
CLASSES = RNG.integers(0, 4, (N, T))

MODELS = {
    "one output": ([Input((T, F)), Masking(), LSTM(5), Dense(2)], X, NUMBERS[:, 0], "mse", ["mae"]),
    "sequences": (
        [Input((T, F)), Masking(), GRU(4, return_sequences=True), Dense(2)],
        X,
        NUMBERS,
        "mse",
        ["mae"],
    ),
    "huber": (
        [Input((T, F)), Masking(), Dense(4, "tanh"), SimpleRNN(4, return_sequences=True)],
        X,
        RNG.standard_normal((N, T, 4)),
        "huber",
        ["mse"],
    ),
    "both ways": (
        [
            Input((T, F)),
            Masking(),
            Bidirectional(LSTM(3, return_sequences=True)),
            GRU(4, return_sequences=True, zero_output_for_mask=True),
            LSTM(4, return_sequences=True),
            Dense(1, "sigmoid"),
        ],
        X,
        RNG.integers(0, 2, (N, T, 1)),
        "binary_crossentropy",
        ["accuracy"],
    ),
    "tokens": (
        [
            Input((T,)),
            Embedding(11, 6, mask_zero=True),
            LSTM(5, return_sequences=True),
            Dense(4, "softmax"),
        ],
        TOKENS,
        CLASSES,
        "sparse_categorical_crossentropy",
        ["accuracy"],
    ),
    "one hot": (
        [Input((T, F)), Masking(), GRU(5, return_sequences=True), Dense(4, "softmax")],
        X,
        np.eye(4)[CLASSES],
        "categorical_crossentropy",
        ["accuracy", "categorical_crossentropy"],
    ),
    "backwards": (
        [Input((T, F)), Masking(), LSTM(4, go_backwards=True), Dense(1)],
        X,
        NUMBERS[:, 0, :1],
        "mse",
        [],
    ),
}
OPTIONS = {"epochs": 3, "batch_size": 12, "shuffle": False, "verbose": 0}


def assert_same_fit(model, copy, x, y, **options):
    ours = model.fit(x, y, **OPTIONS, **options).history
    theirs = copy.fit(x, y, **OPTIONS, **options).history
    assert ours.keys() == theirs.keys()
    for key, values in ours.items():
        np.testing.assert_allclose(values, theirs[key], err_msg=key, **KERAS_FIT)
    assert_same_weights(model, copy, **KERAS_FIT)
    np.testing.assert_allclose(model.predict(x), copy.predict(x, verbose=0), **KERAS_FIT)


@pytest.mark.parametrize("name", MODELS)
def test_fit_with_masks_follows_keras(name):
    layers, x, y, loss, watched = MODELS[name]
    model = Sequential(layers, seed=1)
    copy = twin(model)
    for one in (model, copy):
        one.compile("sgd", loss, metrics=list(watched))
    assert_same_fit(model, copy, x, y, validation_split=0.2)


def test_explicit_mask_gives_the_numbers_of_masking():
    """Keras has no mask argument in fit: a Masking layer there, the mask itself here."""
    layers, x, y, loss, _ = MODELS["sequences"]
    masking = Sequential(layers, seed=1)
    copy = twin(masking)
    plain = Sequential([Input((T, F)), GRU(4, return_sequences=True), Dense(2)], seed=3)
    plain.set_weights(masking.get_weights())
    for one in (plain, copy):
        one.compile("sgd", loss)
    theirs = copy.fit(x, y, **OPTIONS).history["loss"]
    ours = plain.fit(x, y, mask=MASK, **OPTIONS).history["loss"]
    np.testing.assert_allclose(ours, theirs, **KERAS_FIT)
    lost = copy.evaluate(x, y, batch_size=12, verbose=0)
    np.testing.assert_allclose(plain.evaluate(x, y, 12, mask=MASK), lost, **KERAS_FIT)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("weights", ["samples", "steps"])
def test_weights_and_masks_together_follow_keras(weights, reduction):
    layers, x, y, _, _ = MODELS["sequences"]
    model = Sequential(layers, seed=2)
    copy = twin(model)
    for one, kind in ((model, losses), (copy, keras.losses)):
        one.compile(
            "sgd",
            kind.MeanSquaredError(reduction=reduction),
            metrics=["mae"],
            weighted_metrics=["mse"],
        )
    weight = RNG.random(N if weights == "samples" else (N, T)) * 2
    if weights == "samples":
        weight = weight[:, None] * np.ones(T)  # Keras cannot join (N,) weights and a mask (N, T)
        ours = model.fit(x, y, sample_weight=weight[:, 0], **OPTIONS).history
    else:
        ours = model.fit(x, y, sample_weight=weight, **OPTIONS).history
    theirs = copy.fit(x, y, sample_weight=weight, **OPTIONS).history
    assert set(ours) == set(theirs)
    for key, values in ours.items():
        np.testing.assert_allclose(values, theirs[key], err_msg=key, **KERAS_FIT)
    assert_same_weights(model, copy, **KERAS_FIT)


def test_class_weights_with_masks_follow_keras():
    layers = [Input((T,)), Embedding(11, 6, mask_zero=True), GRU(5), Dense(4)]
    model = Sequential(layers, seed=2)
    copy = twin(model)
    for one, kind in ((model, losses), (copy, keras.losses)):
        one.compile("sgd", kind.SparseCategoricalCrossentropy(from_logits=True))
    assert_same_fit(model, copy, TOKENS, CLASSES[:, 0], class_weight={0: 0.5, 2: 4.0})
