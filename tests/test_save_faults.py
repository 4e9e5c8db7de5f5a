"""Real faults of a disk: too large, no folder any more; the old file and the training stay."""

import os
import shutil
import signal

import numpy as np
import pytest

import tidegate as tg
from saved_model import X, make_model
from tidegate.training.callbacks import Callback, ModelCheckpoint

pytest.importorskip("safetensors", reason="safetensors is not installed: no model files")


@pytest.fixture
def model():
    return make_model()


@pytest.fixture
def small_files():
    """Refuse files of more than 4096 bytes, as a full disk does, for root too."""
    resource = pytest.importorskip("resource", reason="this system has no limits of files")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(on):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096 if on else soft, hard))

    yield limit
    limit(False)
    signal.signal(signal.SIGXFSZ, handler)


def test_save_that_the_disk_cuts_off_leaves_the_old_file(model, tmp_path, small_files):
    path = tmp_path / "m.safetensors"
    model.save(path)
    before = path.read_bytes()
    assert len(before) > 4096
    model.fit(X, X[:, 0, 0], verbose=0)
    expected = model.predict(X, verbose=0)
    small_files(True)
    with pytest.raises(OSError, match=r"save: cannot write the model: File too large.*unharmed"):
        model.save(path)
    small_files(False)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["m.safetensors"]
    model.save(path)
    assert np.array_equal(tg.load(path).predict(X, verbose=0), expected)


def test_checkpoint_that_the_disk_cuts_off_keeps_the_trained_weights(model, tmp_path, small_files):
    before = model.get_weights()
    small_files(True)
    with pytest.raises(OSError, match="File too large"):
        model.fit(X, X[:, 0, 0], verbose=0, callbacks=[ModelCheckpoint(tmp_path / "m.safetensors")])
    small_files(False)
    assert not np.array_equal(model.get_weights()[0], before[0])
    assert list(tmp_path.iterdir()) == []
    model.save(tmp_path / "m.safetensors")
    loaded = tg.load(tmp_path / "m.safetensors")
    assert all(map(np.array_equal, loaded.get_weights(), model.get_weights()))


def test_checkpoint_makes_a_folder_again_that_vanished_during_fit(model, tmp_path):
    path = tmp_path / "folder" / "m.safetensors"

    class Vanish(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            shutil.rmtree(path.parent, ignore_errors=True)

    model.fit(X, X[:, 0, 0], epochs=3, verbose=0, callbacks=[Vanish(), ModelCheckpoint(path)])
    assert all(map(np.array_equal, tg.load(path).get_weights(), model.get_weights()))


def test_checkpoint_with_a_file_in_place_of_its_folder_keeps_the_training(model, tmp_path):
    (tmp_path / "folder").write_text("mine")
    path = tmp_path / "folder" / "m.safetensors"
    with pytest.raises(OSError, match="folder"):
        model.fit(X, X[:, 0, 0], verbose=0, callbacks=[ModelCheckpoint(path)])
    assert (tmp_path / "folder").read_text() == "mine"
    assert model.optimizer.iterations == 1


def test_save_where_the_path_is_a_folder_or_a_device_writes_nothing(model, tmp_path):
    for path in (tmp_path, "/dev/full"):
        with pytest.raises(OSError, match="save: there is something else than a file"):
            model.save(path)
    assert list(tmp_path.iterdir()) == []


def test_save_removes_what_killed_writers_left_an_hour_ago(model, tmp_path):
    names = [
        ".m.12.0123abcd",
        ".m.13.0123abcd",
        ".other.12.0123abcd",
        ".m.12.mine",
        "m.12.0123abcd",
    ]
    for name in names:
        (tmp_path / name).write_text("half")
        if name != ".m.13.0123abcd":  # another process may be writing this one
            os.utime(tmp_path / name, (0, 0))
    model.save(tmp_path / "m")
    assert sorted(os.listdir(tmp_path)) == sorted([*names[1:], "m"])


def test_saves_to_ever_new_names_leave_no_pattern_of_each_in_the_cache(
    model, tmp_path, monkeypatch
):
    """Found by the soak: a service that saves under new names grew, and lost its own patterns."""
    model.save(tmp_path / "first")

    def compile_again(*arguments):
        raise AssertionError(f"a pattern was made: {arguments}")

    monkeypatch.setattr("re.compile", compile_again)
    for name in ("a", "b", "line\nbreak"):
        model.save(tmp_path / name)
