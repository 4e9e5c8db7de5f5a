"""Bad arguments of metrics, callbacks, initializers and masks end in an error, not in a number."""

import numpy as np
import pytest

from engine_runs import refuses
from tidegate.layers import Dense, Dropout, initializers
from tidegate.models import Sequential
from tidegate.training import callbacks, losses, metrics, optimizers

CLASSES = np.array([0, 1, 2, 0, 1, 2])
X = np.random.default_rng(0).normal(size=(6, 4))


def classifier(loss, metric):
    model = Sequential([Dense(3, "softmax", input_shape=(4,))], seed=0)
    model.compile("sgd", loss, metrics=[metric])
    return model


@pytest.mark.parametrize("batch_size", [3, 6])  # 3 outputs and 3 labels would broadcast
@pytest.mark.parametrize(
    "metric",
    [
        "binary_accuracy",
        "categorical_accuracy",
        "root_mean_squared_error",
        "mse",
        "huber",
        "binary_crossentropy",
        "categorical_crossentropy",
    ],
)
def test_metrics_of_values_refuse_class_numbers(metric, batch_size):
    model = classifier("sparse_categorical_crossentropy", metric)
    with refuses(ValueError, f"metric '{metric}': targets have shape", "sparse_categorical"):
        model.evaluate(X, CLASSES, batch_size=batch_size)


@pytest.mark.parametrize(
    "metric", ["sparse_categorical_accuracy", "sparse_categorical_crossentropy"]
)
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mse"])
def test_metrics_of_class_numbers_refuse_one_hot_targets(loss, metric):
    with refuses(ValueError, f"metric '{metric}': targets have shape (6, 3)", "one-hot"):
        classifier(loss, metric).evaluate(X, np.eye(3)[CLASSES])


@pytest.mark.parametrize("part", [losses.Loss(), metrics.Metric()])
def test_a_loss_or_metric_without_terms_says_what_is_missing(part):
    with refuses(NotImplementedError, "writes terms(target, output)"):
        part.terms(X, X)


def test_class_numbers_need_an_output_with_classes():
    model = Sequential([Dropout(0.5)])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with refuses(ValueError, "fit: the model's output has shape (N,)", "Dense(classes"):
        model.fit(np.zeros(4), np.zeros(4), verbose=0)


def test_a_noise_shape_of_another_batch_size():
    model = Sequential([Dropout(0.5, noise_shape=(4, 2)), Dense(1)])
    model.compile("sgd", "mse")
    with refuses(ValueError, "dropout: a batch has 3 samples and noise_shape is (4, 2)"):
        model.fit(np.zeros((4, 2)), np.zeros(4), batch_size=3, verbose=0)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("baseline", "a"), ("restore_best_weights", "no"), ("start_from_epoch", "a")],
)
def test_early_stopping_checks_its_arguments(argument, value):
    with refuses(TypeError, f"EarlyStopping: {argument} is {value!r}"):
        callbacks.EarlyStopping(**{argument: value})


@pytest.mark.parametrize("pattern", ["{loss.foo}", "{loss[0]}"])
def test_checkpoint_pattern_that_asks_too_much(pattern):
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse")
    with refuses(ValueError, "ModelCheckpoint: filepath is", "expected a pattern"):
        model.fit(
            X, X[:, 0], verbose=0, callbacks=callbacks.ModelCheckpoint(pattern, save_freq="epoch")
        )


def test_checkpoint_checks_its_arguments():
    with refuses(TypeError, "ModelCheckpoint: filepath is None"):
        callbacks.ModelCheckpoint(None)
    with refuses(TypeError, "ModelCheckpoint: initial_value_threshold is 'a'"):
        callbacks.ModelCheckpoint("m", initial_value_threshold="a")
    assert callbacks.ModelCheckpoint(b"m").filepath == "m"


def test_a_learning_rate_that_overflows_is_infinite():
    assert optimizers.ExponentialDecay(1, 1, 1e308)(10) == np.inf


@pytest.mark.parametrize(("shape", "dtype"), [((9, 9), float), ((4, 2), complex)])
def test_an_initializer_that_draws_something_else(shape, dtype):
    class Own(initializers.Initializer):
        def draw(self, wanted, rng):
            return np.zeros(shape, dtype)

    with refuses(ValueError, "kernel: its initializer drew shape", "expected floats"):
        Dense(2, kernel_initializer=Own())(X)


def test_an_initializer_configuration_that_is_no_table():
    with refuses(ValueError, "Dense: the config of kernel_initializer is no table"):
        Dense(2, kernel_initializer={"class": "Zeros", "config": None})


def test_a_list_of_masked_arrays():
    with refuses(TypeError, "Dense: x is a masked array"):
        Dense(2)([np.ma.masked_invalid([1.0, np.nan])])
