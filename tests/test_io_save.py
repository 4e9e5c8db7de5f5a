"""Saving is atomic, and refuses what could not be loaded again."""

import os
import stat
import sys

import numpy as np
import pytest

import tidegate as tg
from saved_model import X, make_model
from tidegate import io
from tidegate._files import write_whole
from tidegate.layers import Dense
from tidegate.layers.initializers import Initializer
from tidegate.models import Sequential
from tidegate.training import losses, metrics, optimizers

pytest.importorskip("safetensors", reason="safetensors is not installed: no model files")


@pytest.fixture
def model():
    return make_model()


def test_a_broken_save_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "m"
    model.save(path)
    before = path.read_bytes()
    model.fit(X, X[:, 0, 0], verbose=0)
    for broken in ("fsync", "replace"):

        def fail(*arguments):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, broken, fail)
            with pytest.raises(
                OSError, match=r"save: cannot write the model: No space left.*unhar"
            ):
                model.save(path)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["m"]


def test_an_interrupted_save_leaves_no_rubbish(model, tmp_path, monkeypatch):

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.save(tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_paths_that_cannot_be_written(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="save: cannot write the model: No such file"):
        model.save(tmp_path / "missing" / "m")
    with pytest.raises(OSError, match="save:"):
        model.save(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="save: cannot write the model"):
        model.save(tmp_path / "file" / "m")


def test_permissions_and_links_stay(model, tmp_path):
    path, link = tmp_path / "m", tmp_path / "link"
    model.save(path)
    path.chmod(0o600)
    link.symlink_to(path)
    model.save(link)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert link.is_symlink()
    tg.load(link)


def test_weights_that_are_not_finite_are_not_saved(model, tmp_path):
    model.parameters["dense/kernel"].value[...] = np.nan
    with pytest.raises(ValueError, match="weights/dense/kernel is not finite; nothing was written"):
        model.save(tmp_path / "m")
    assert os.listdir(tmp_path) == []


class MyLoss(losses.MeanSquaredError):
    pass


class MyLayer(Dense):
    pass


class MySchedule(optimizers.LearningRateSchedule):
    def __call__(self, step):
        return 0.1


@pytest.mark.parametrize(
    ("layer", "optimizer", "loss", "watched", "message"),
    [
        (Dense, "sgd", MyLoss(), [], "the loss is of class MyLoss, which a file cannot hold"),
        (Dense, optimizers.SGD(MySchedule()), "mse", [], "learning_rate is a MySchedule; expected"),
        (Dense, "sgd", "mse", [type("M", (metrics.Accuracy,), {})()], "the metric is of class M"),
        (MyLayer, "sgd", "mse", [], "layer 'my_layer' is of class MyLayer; expected one of LSTM"),
    ],
)
def test_parts_of_the_users_are_not_saved(layer, optimizer, loss, watched, message, tmp_path):
    model = Sequential([layer(1, input_shape=(2,))])
    model.compile(optimizer, loss, metrics=watched)
    with pytest.raises(ValueError, match=message):
        model.save(tmp_path / "m")
    assert os.listdir(tmp_path) == []
    if layer is Dense:
        model.save(tmp_path / "m", include_optimizer=False)
        assert not tg.load(tmp_path / "m").compiled


def test_an_initializer_of_the_users_is_forgotten(tmp_path):
    class Mine(Initializer):
        def draw(self, shape, rng):
            return np.full(shape, 0.5)

    model = Sequential([Dense(2, kernel_initializer=Mine(), input_shape=(2,))])
    io.save(model, tmp_path / "m")
    assert (io.load(tmp_path / "m").get_weights()[0] == 0.5).all()


def test_without_safetensors_the_error_names_the_extra(model, monkeypatch, tmp_path):
    model.save(tmp_path / "m")
    for name in [name for name in sys.modules if name.partition(".")[0] == "safetensors"]:
        monkeypatch.delitem(sys.modules, name)

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] == "safetensors":
                raise ModuleNotFoundError("no", name=name.partition(".")[0])

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    for use in (lambda: model.save(tmp_path / "m"), lambda: tg.load(tmp_path / "m")):
        with pytest.raises(ImportError, match=r'needs the package safetensors.*"tidegate\[io\]"'):
            use()


def test_the_message_names_what_was_being_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\] cannot write the picture: No such file"):
        write_whole(str(tmp_path / "no" / "a.png"), b"", "the picture")
    with pytest.raises(FileNotFoundError, match=r"\] export: cannot write the ONNX model: No such"):
        write_whole(str(tmp_path / "no" / "m.onnx"), b"", "the ONNX model", "export")
