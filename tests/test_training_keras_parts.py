"""Losses, metrics, optimizers, schedules and callbacks beside those of Keras 3."""

import numpy as np
import pytest

from keras_peer import keras, tf
from tidegate.layers import Dense, Input
from tidegate.models import Sequential
from tidegate.training import callbacks, losses, metrics, optimizers
from tolerances import KERAS_LOSS, KERAS_STEPS

# Keras on TensorFlow makes arrays in a way that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LOSSES = {
    "MeanSquaredError": ({}, "real"),
    "MeanAbsoluteError": ({}, "real"),
    "Huber": ({"delta": 0.7}, "real"),
    "BinaryCrossentropy": ({}, "binary"),
    "BinaryCrossentropy smooth": ({"label_smoothing": 0.2}, "binary"),
    "BinaryCrossentropy logits": ({"from_logits": True}, "real binary"),
    "CategoricalCrossentropy": ({}, "one hot"),
    "CategoricalCrossentropy smooth": ({"label_smoothing": 0.2}, "one hot"),
    "CategoricalCrossentropy logits": ({"from_logits": True}, "real one hot"),
    "SparseCategoricalCrossentropy": ({}, "classes"),
    "SparseCategoricalCrossentropy logits": ({"from_logits": True}, "real classes"),
}


def loss_arguments(kind, shape):
    rng = np.random.default_rng(len(shape))
    output = rng.standard_normal(shape) * 3
    target = rng.standard_normal(shape)
    if "binary" in kind:
        target = rng.integers(0, 2, shape).astype(float)
        output = output if "real" in kind else rng.random(shape)
    elif kind != "real":
        if "real" not in kind:
            output = np.exp(output)
            output /= output.sum(-1, keepdims=True)
        target = rng.integers(0, shape[-1], shape[:-1])
        if "one hot" in kind:
            target = np.eye(shape[-1])[target]
    return target, output


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("shape", [(6, 4), (5, 3, 4)], ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_gradient_are_keras_s(name, shape, reduction, weighted):
    options, kind = LOSSES[name]
    name = name.partition(" ")[0]
    target, output = loss_arguments(kind, shape)
    weight = np.linspace(0, 2, np.prod(shape[:-1])).reshape(shape[:-1]) if weighted else None
    theirs = getattr(keras.losses, name)(**options, reduction=reduction, dtype="float64")
    y = tf.constant(output)
    with tf.GradientTape() as tape:
        tape.watch(y)
        value = theirs(target, y, sample_weight=weight)
    ours = getattr(losses, name)(**options, reduction=reduction)
    got, gradient = ours.value_and_gradient(target, output, weight)
    np.testing.assert_allclose(got, float(value), **KERAS_LOSS)
    np.testing.assert_allclose(gradient, tape.gradient(value, y).numpy(), **KERAS_LOSS)


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("BinaryAccuracy", {"threshold": 0.4}, "binary"),
        ("CategoricalAccuracy", {}, "one hot"),
        ("SparseCategoricalAccuracy", {}, "classes"),
        ("RootMeanSquaredError", {}, "real"),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_metric_is_keras_s(name, options, kind, weighted):
    ours, theirs = getattr(metrics, name)(**options), getattr(keras.metrics, name)(**options)
    for shape in ((6, 4), (5, 4)):
        target, output = loss_arguments(kind, shape)
        weight = np.linspace(0, 2, shape[0]) if weighted else None
        ours.update(target, output, weight)
        theirs.update_state(target, output, sample_weight=weight)
    np.testing.assert_allclose(ours.result(), float(theirs.result()), **KERAS_STEPS)


OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "rho": 0.7}),
    ("Adam", {}),
    ("Adam", {"beta_1": 0.7, "epsilon": 1e-3, "clipnorm": 1.5}),
    ("Adam", {"global_clipnorm": 1.5}),
    ("Adam", {"clipvalue": 0.2}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 3.0, "learning_rate": 0.01}),
]


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=str)
def test_optimizer_takes_the_steps_of_keras(name, options):
    model = Sequential([Input((4,)), Dense(3), Dense(2)], seed=4)
    ours = getattr(optimizers, name)(**options)
    theirs = getattr(keras.optimizers, name)(**options)
    variables = [keras.Variable(value) for value in model.get_weights()]
    ours.bind(model.buffers)
    rng = np.random.default_rng(0)
    for _ in range(12):
        gradients = [rng.standard_normal(v.shape).astype("f4") for v in variables]
        for parameter, gradient in zip(model.parameters.values(), gradients, strict=True):
            parameter.grad[...] = gradient
        ours.step()
        theirs.apply_gradients(zip(map(tf.constant, gradients), variables, strict=True))
    for value, variable in zip(model.get_weights(), variables, strict=True):
        np.testing.assert_allclose(value, variable.numpy(), **KERAS_STEPS)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.5}),
        ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.5, "staircase": True}),
        ("CosineDecay", {"decay_steps": 12, "alpha": 0.1}),
        ("CosineDecay", {"decay_steps": 12, "warmup_target": 0.4, "warmup_steps": 5}),
    ],
    ids=str,
)
def test_schedule_is_keras_s(name, options):
    ours = getattr(optimizers, name)(0.2, **options)
    theirs = getattr(keras.optimizers.schedules, name)(0.2, **options)
    for step in range(25):
        np.testing.assert_allclose(ours(step), float(theirs(step)), **KERAS_STEPS)


def test_piecewise_schedule_is_keras_s():
    arguments = ([3, 8], [1.0, 0.5, 0.1])
    theirs = keras.optimizers.schedules.PiecewiseConstantDecay(*arguments)
    for step in range(12):
        ours = optimizers.PiecewiseConstantDecay(*arguments)(step)
        np.testing.assert_allclose(ours, float(theirs(step)), **KERAS_STEPS)


# Callbacks: the same decisions on the same numbers.

SERIES = [5.0, 4.0, 4.0, 3.9, 4.2, 4.1, 3.95, 3.0, 3.2, 3.3, 3.25, 3.4, 2.9, 2.95, 3.0, 3.1, 3.2]


class Watched:
    """What a callback sees of a model."""

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.metrics = []
        self.stop_training = False
        self.weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def decisions(callback, optimizer, set_model):
    """Learning rate and `stop_training` after each epoch, and the weights at the end."""
    model = Watched(optimizer)
    set_model(callback, model)
    callback.on_train_begin()
    seen = []
    for epoch, value in enumerate(SERIES):
        model.weights = epoch
        callback.on_epoch_end(epoch, {"loss": value})
        seen.append((round(float(model.optimizer.learning_rate), 6), bool(model.stop_training)))
        if model.stop_training:
            break
    callback.on_train_end()
    return seen, model.weights


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("EarlyStopping", {}),
        ("EarlyStopping", {"patience": 2}),
        ("EarlyStopping", {"patience": 3, "restore_best_weights": True}),
        ("EarlyStopping", {"patience": 3, "min_delta": 0.2, "restore_best_weights": True}),
        ("EarlyStopping", {"patience": 3, "baseline": 3.5, "restore_best_weights": True}),
        ("EarlyStopping", {"patience": 2, "start_from_epoch": 6}),
        ("EarlyStopping", {"patience": 2, "mode": "max"}),
        ("ReduceLROnPlateau", {"patience": 2}),
        ("ReduceLROnPlateau", {"patience": 1, "factor": 0.5, "cooldown": 2}),
        ("ReduceLROnPlateau", {"patience": 1, "factor": 0.5, "min_lr": 0.3, "min_delta": 0.3}),
    ],
    ids=str,
)
def test_callback_decides_as_keras_s(name, options):
    ours = getattr(callbacks, name)(monitor="loss", **options)
    theirs = getattr(keras.callbacks, name)(monitor="loss", **options)
    got = decisions(ours, optimizers.SGD(1.0), lambda c, m: setattr(c, "model", m))
    assert got == decisions(theirs, keras.optimizers.SGD(1.0), lambda c, m: c.set_model(m))
