"""When `fit` breaks off: Ctrl-C at any line, NaN in loss, gradient or weight, failing callbacks."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

from tidegate.layers import GRU, Dense, Input
from tidegate.models import Sequential
from tidegate.training import Callback, TrainingDivergedError, losses, optimizers

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 4, 2)).astype("f4"), RNG.standard_normal((40, 1)).astype("f4")
OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adam": lambda: optimizers.Adam(0.01, global_clipnorm=1.0),
    "adamw": lambda: optimizers.AdamW(0.01),
}


def make(optimizer="adam"):
    model = Sequential([GRU(5, input_shape=(4, 2)), Dense(1)], seed=1)
    model.compile(OPTIMIZERS[optimizer](), "mse")
    return model


def state(model):
    """Weights, moments and counters: everything that training changes."""
    slots = [array.tobytes() for _, _, array in model.optimizer.slots()]
    weights = [value.tobytes() for value in model.get_weights()]
    return weights, slots, model.optimizer.iterations


def states_after_steps(optimizer, steps):
    """The states that an undisturbed run passes through."""
    model = make(optimizer)
    model.bind_optimizer("test")
    seen = [state(model)]

    class Watch(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(state(self.model))

    model.fit(X, Y, batch_size=8, epochs=steps // 5 + 1, verbose=0, callbacks=[Watch()])
    return seen


def interrupted_at(line_number, run):
    """Call `run`; raise KeyboardInterrupt before the n-th line of tidegate, as Ctrl-C may."""
    left = line_number

    def trace(frame, event, argument):
        nonlocal left
        if "tidegate" not in frame.f_code.co_filename:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    except KeyboardInterrupt:  # before the loop started, or after it ended
        pass
    finally:
        sys.settrace(before)
    assert left <= 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_ctrl_c_at_any_line_leaves_a_whole_step(optimizer, capsys):
    expected = states_after_steps(optimizer, 10)
    done = set()
    for line_number in range(300, 2500, 23):
        model = make(optimizer)
        model.bind_optimizer("test")
        interrupted_at(
            line_number, lambda m=model: m.fit(X, Y, batch_size=8, epochs=100, verbose=0)
        )
        done.add(model.optimizer.iterations)
        assert state(model) == expected[model.optimizer.iterations]
        predicted = model.predict(X)
        model.weights_changed()
        np.testing.assert_array_equal(model.predict(X), predicted)  # the engine saw the weights
    assert len(done) > 5
    assert "fit: interrupted in epoch" in capsys.readouterr().err


def test_ctrl_c_as_the_system_sends_it(capsys):
    model = make()
    x, y = np.repeat(X, 500, axis=0), np.repeat(Y, 500, axis=0)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    # A shell starts its background jobs with the signal ignored, and Python then leaves it so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer.start()
    start = time.perf_counter()
    try:
        history = model.fit(x, y, epochs=10_000, batch_size=100, verbose=0)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert time.perf_counter() - start < 30
    assert history.interrupted
    assert len(history.epoch) == model.epochs_trained < 10_000
    assert np.isfinite(model.predict(X)).all()
    message = capsys.readouterr().err
    assert f"in epoch {model.epochs_trained + 1} of 10000, after " in message
    assert "of 200 batches; the model can be used" in message
    assert not model.fit(X, Y, verbose=0).interrupted


class Interrupt(Callback):
    def __init__(self, hook):
        setattr(self, hook, self.interrupt)
        self.ended = False

    def interrupt(self, *arguments):
        raise KeyboardInterrupt

    def on_train_end(self, logs=None):
        self.ended = True


@pytest.mark.parametrize(
    "hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_epoch_end"]
)
def test_ctrl_c_in_a_callback(hook, capsys):
    model = make()
    callback = Interrupt(hook)
    assert model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback]).interrupted
    assert callback.ended
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_nan_loss_undoes_the_step_that_led_to_it(optimizer):
    expected = states_after_steps(optimizer, 15)
    model = make(optimizer)

    class Blow(losses.MeanSquaredError):
        steps = 0

        def terms(self, target, output):
            self.steps += 1
            return super().terms(target, output if self.steps < 8 else output * np.nan)

    model.loss = Blow()
    pattern = "fit: the loss is nan in epoch 2 of 5, batch 3 of 5; training stopped"
    with pytest.raises(TrainingDivergedError, match=pattern) as caught:
        model.fit(X, Y, batch_size=8, epochs=5, verbose=0)
    assert (caught.value.epoch, caught.value.batch) == (1, 2)
    assert state(model) == expected[6]  # 7 steps were done; the last one led to the NaN


def test_an_exploding_model_keeps_weights_with_a_finite_loss():
    model = make()
    model.compile(optimizers.SGD(1e12), "mse")
    with pytest.raises(TrainingDivergedError, match="lower the learning rate, set clipnorm"):
        model.fit(X, Y, batch_size=8, epochs=50, verbose=0)
    assert all(np.isfinite(value).all() for value in model.get_weights())
    assert np.isfinite(model.predict(X)).all()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)


def test_a_weight_that_overflows_in_the_last_step():
    model = Sequential([Input((1,)), Dense(1, kernel_initializer="ones")])
    model.compile(optimizers.SGD(1e38), "mse")
    before = model.get_weights()
    with pytest.raises(TrainingDivergedError, match="a weight is not finite in epoch 1 of 1"):
        model.fit([[10.0]], [-10.0], verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_bad_gradient_reaches_neither_weights_nor_moments(bad):
    model = make()

    class Steep(losses.MeanSquaredError):
        steps = 0

        def terms(self, target, output):
            self.steps += 1
            terms, slopes, factor = super().terms(target, output)
            return terms, slopes * (1 if self.steps < 5 else bad), factor

    expected = states_after_steps("adam", 5)[4]
    model.loss = Steep()
    with pytest.raises(TrainingDivergedError, match="a gradient is not finite in epoch 1 of 1, b"):
        model.fit(X, Y, batch_size=8, verbose=0)
    assert state(model) == expected


def test_the_last_step_of_an_earlier_fit_stays():
    model = make()
    model.fit(X, Y, verbose=0)
    before = state(model)
    with pytest.raises(TrainingDivergedError, match="the loss is inf"):
        model.fit(X, Y * 1e30, verbose=0)
    assert state(model) == before


def test_train_on_batch_undoes_too():
    model = make()
    model.train_on_batch(X, Y)
    before = state(model)
    with pytest.raises(TrainingDivergedError, match="train_on_batch: the loss is inf in step 2"):
        model.train_on_batch(X, Y * 1e30)
    # The step before may have been the cause: it is taken back with the rest.
    assert model.optimizer.iterations == before[2] - 1


def test_weights_set_by_a_callback_are_not_taken_back():
    model = make()
    zeros = [np.zeros_like(value) for value in model.get_weights()]

    class Reset(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.set_weights(zeros)
            self.model.loss = None

    class Blow(losses.MeanSquaredError):
        steps = 0

        def terms(self, target, output):
            self.steps += 1
            return super().terms(target, output / (self.steps < 2))

    model.loss = Blow()
    with pytest.raises(TrainingDivergedError):
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[Reset()])
    assert all((value == 0).all() for value in model.get_weights())


def test_an_error_of_a_callback_leaves_a_usable_model():
    class Broken(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise OSError("no space left")

    model = make()
    with pytest.raises(OSError, match="no space left"):
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[Broken()])
    assert model.optimizer.iterations == 3
    assert state(model) == states_after_steps("adam", 5)[3]


def test_a_first_step_with_an_infinite_loss_keeps_the_first_weights():
    """There is no step to take back yet: the copy of the values before it holds anything."""
    model = Sequential([GRU(3, input_shape=(4, 2)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.bind_optimizer("fit")
    for buffer in model.optimizer._buffers:
        buffer.previous.fill(np.nan)
    with pytest.raises(TrainingDivergedError, match="the loss is inf in epoch 1"):
        model.fit(np.ones((8, 4, 2)), np.full((8, 1), 1e30), verbose=0)
    for weight, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
