"""Callbacks: when they are called and with what; files of ModelCheckpoint; learning rates."""

import numpy as np
import pytest

from tidegate import io
from tidegate.layers import Dense, Input
from tidegate.models import Sequential
from tidegate.training import (
    Callback,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    optimizers,
)

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((20, 3)), RNG.standard_normal(20)


def make(optimizer="sgd", **options):
    model = Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile(optimizer, "mse", **options)
    return model


def fit(model, *callbacks, **options):
    return model.fit(X, Y, batch_size=8, verbose=0, callbacks=list(callbacks), **options)


class Recorder(Callback):
    def __init__(self):
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("epoch", epoch))

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(("batch", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(("done", batch, sorted(logs)))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("epoch done", epoch, sorted(logs)))

    def on_train_end(self, logs=None):
        self.calls.append(("end", sorted(logs)))


def test_order_of_calls():
    recorder = Recorder()
    model = make(metrics=["mae"])
    fit(model, recorder, epochs=4, initial_epoch=3, validation_data=(X, Y))
    batches = [c for k in range(3) for c in (("batch", k), ("done", k, ["loss", "mae"]))]
    keys = ["loss", "mae", "val_loss", "val_mae"]
    assert recorder.calls == [
        "begin",
        ("epoch", 3),
        *batches,
        ("epoch done", 3, keys),
        ("end", keys),
    ]
    assert recorder.model is model
    assert recorder.params == {"epochs": 4, "steps": 3}


def test_logs_of_batches_run_up_to_those_of_the_epoch():
    seen = []

    class Watch(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs)

    history = fit(make(metrics=["mae"]), Watch()).history
    assert {key: values[-1] for key, values in history.items()} == seen[-1]


def test_hooks_that_are_not_overridden_cost_nothing():
    from tidegate.training.callbacks.base import hooks

    assert hooks([Callback(), EarlyStopping()], "on_train_batch_end") == []
    checkpoint = ModelCheckpoint("m")
    assert hooks([checkpoint], "on_train_batch_end") == [checkpoint.on_train_batch_end]


def test_a_callback_adds_to_the_history():
    class Add(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["epoch"] = float(epoch)

    assert fit(make(), Add(), epochs=3).history["epoch"] == [0, 1, 2]


def test_stop_training_ends_after_the_batch():
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = make()
    history = fit(model, Stop(), epochs=5)
    assert len(history.history["loss"]) == 1
    assert model.optimizer.iterations == 2
    assert not history.interrupted
    assert len(fit(model, epochs=2).epoch) == 2


class Fake(Callback):
    """Log given numbers, and give the weights the number of the epoch."""

    def __init__(self, values, key="val_loss"):
        self.values, self.key = values, key

    def on_epoch_end(self, epoch, logs=None):
        logs[self.key] = self.values[epoch]
        self.model.set_weights([np.full(w.shape, epoch) for w in self.model.get_weights()])


def test_early_stopping_restores_the_best(capsys):
    model = make()
    stopping = EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    history = fit(model, Fake([3, 2, 1, 5, 6, 7, 8]), stopping, epochs=7)
    assert len(history.epoch) == 5
    assert (model.get_weights()[0] == 2).all()
    assert (stopping.stopped_epoch, stopping.best_epoch, stopping.best) == (4, 2, 1)
    assert "Epoch 5: early stopping" in capsys.readouterr().out


def test_early_stopping_knows_that_more_accuracy_is_better():
    model = make(metrics=["binary_accuracy"])
    stopping = EarlyStopping("val_binary_accuracy", patience=1)
    values = [0.5, 0.6, 0.7, 0.6, 0.6]
    history = fit(model, Fake(values, "val_binary_accuracy"), stopping, epochs=5)
    assert len(history.epoch) == 4


def test_a_number_that_is_not_there_is_warned_of():
    with pytest.warns(UserWarning, match="monitor is 'val_loss', which the logs do not have; th"):
        history = fit(make(), EarlyStopping())
    assert len(history.epoch) == 1


def test_a_number_of_which_the_direction_is_unknown():
    callback = EarlyStopping("speed")
    with pytest.raises(ValueError, match=r"monitor is 'speed'.*expected one of loss .or set mode"):
        fit(make(), Fake([1, 2], "speed"), callback, epochs=2)


def test_reduce_on_plateau_logs_and_lowers(capsys):
    model = make(optimizers.SGD(1.0))
    callback = ReduceLROnPlateau(factor=0.5, patience=1, min_lr=0.2, verbose=1)
    history = fit(model, Fake([1, 1, 1, 1, 1]), callback, epochs=5)
    assert history.history["learning_rate"] == [1, 1, 0.5, 0.25, 0.2]
    assert "Epoch 2: learning rate lowered to 0.5" in capsys.readouterr().out


@pytest.mark.parametrize(
    "schedule", [lambda epoch, rate: rate / 2, lambda epoch: 0.5 ** (epoch + 1)]
)
def test_learning_rate_scheduler(schedule, capsys):
    model = make(optimizers.SGD(1.0))
    history = fit(model, LearningRateScheduler(schedule, verbose=1), epochs=3)
    assert history.history["learning_rate"] == [0.5, 0.25, 0.125]
    assert "Epoch 1: learning rate 0.5" in capsys.readouterr().out


@pytest.mark.parametrize("returned", [None, "fast", np.nan, -1.0])
def test_learning_rate_scheduler_refuses_what_is_no_rate(returned):
    with pytest.raises((TypeError, ValueError), match="the rate that schedule returned is"):
        fit(make(), LearningRateScheduler(lambda epoch: returned))


# -- ModelCheckpoint --


@pytest.fixture
def _files():
    pytest.importorskip("safetensors", reason="safetensors is not installed: no model files")


@pytest.mark.usefixtures("_files")
def test_checkpoint_after_each_epoch(tmp_path, capsys):
    model = make()
    pattern = tmp_path / "deep" / "m-{epoch:02d}-{loss:.1f}.safetensors"
    history = fit(model, ModelCheckpoint(pattern, verbose=1), epochs=3)
    names = [f"m-{k + 1:02d}-{v:.1f}.safetensors" for k, v in enumerate(history.history["loss"])]
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == names
    last = io.load(tmp_path / "deep" / names[-1])
    np.testing.assert_array_equal(last.predict(X), model.predict(X))
    assert last.epochs_trained == 3
    assert "Epoch 3: saved the model to" in capsys.readouterr().out


@pytest.mark.usefixtures("_files")
@pytest.mark.parametrize(("threshold", "best"), [(None, 3), (1.5, 3), (0.5, None)])
def test_checkpoint_of_the_best(tmp_path, threshold, best):
    path = tmp_path / "m.safetensors"
    callback = ModelCheckpoint(path, save_best_only=True, initial_value_threshold=threshold)
    fit(make(), Fake([3, 2, 4, 1, 5]), callback, epochs=5)
    if best is None:
        assert not path.exists()
    else:
        assert (io.load(path).get_weights()[0] == best).all()


@pytest.mark.usefixtures("_files")
def test_checkpoint_after_batches(tmp_path):
    pattern = str(tmp_path / "{epoch}-{batch}.safetensors")
    fit(make(), ModelCheckpoint(pattern, save_freq=2), epochs=2)
    assert sorted(p.stem for p in tmp_path.iterdir()) == ["1-2", "2-1", "2-3"]


@pytest.mark.parametrize("pattern", ["{nothing}", "{loss:q}", "{0}"])
def test_checkpoint_refuses_a_pattern(pattern):
    with pytest.raises(ValueError, match=r"filepath is .*expected a pattern of epoch, loss"):
        fit(make(), ModelCheckpoint(pattern))


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: EarlyStopping(mode="most"), 'mode is \'most\'; expected one of "auto", "min"'),
        (lambda: EarlyStopping(patience=-1), "patience is -1; expected an integer >= 0"),
        (lambda: ReduceLROnPlateau(factor=1.0), "factor is 1; expected .* < 1"),
        (lambda: ModelCheckpoint("m-{epoch}.keras"), "filepath is .*to_keras.*ends in .keras"),
        (lambda: ModelCheckpoint("m", save_freq="batch"), "save_freq is 'batch'"),
        (lambda: LearningRateScheduler(0.1), "schedule is 0.1; expected a function"),
        (lambda: fit(make(), EarlyStopping), r"expected objects of Callback .a class needs paren"),
    ],
)
def test_bad_arguments(make_it, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make_it()
