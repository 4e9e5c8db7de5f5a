"""Paths that model.save and tidegate.load must survive: pipes, links, bytes, zero bytes."""

import os
import stat

import pytest

import tidegate as tg
from engine_runs import refuses
from tidegate import io
from tidegate.layers import LSTM, Bidirectional, Dense
from tidegate.models import Sequential

pytest.importorskip("safetensors")


@pytest.fixture
def model():
    return Sequential([Dense(1, input_shape=(2,))], seed=0)


def test_save_leaves_a_pipe_a_pipe(model, tmp_path):
    # A rename over /dev/null would break the machine.
    os.mkfifo(tmp_path / "pipe")
    with refuses(OSError, "save: there is something else than a file"):
        model.save(tmp_path / "pipe")
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)
    assert os.listdir(tmp_path) == ["pipe"]


def test_load_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with refuses(io.ModelFileError, "load:", "is a device or pipe"):
        tg.load(tmp_path / "pipe")


def test_save_into_a_folder_says_so(model, tmp_path):
    with refuses(IsADirectoryError, "save:"):
        model.save(tmp_path)


def test_paths_of_bytes_and_of_names_that_are_no_text(model, tmp_path):
    path = os.fsencode(tmp_path) + b"/n\xff\xfe.safetensors"
    model.save(path)
    assert tg.load(path).count_params() == tg.load(os.fsdecode(path)).count_params() == 3


@pytest.mark.parametrize("path", [None, 3, ["m"]])
def test_path_of_wrong_type(model, path):
    with refuses(TypeError, "save: path is", "expected a string or path"):
        model.save(path)
    with refuses(TypeError, "load: path is", "expected a string or path"):
        tg.load(path)


def test_path_with_a_zero_byte(model):
    with refuses(ValueError, "save: path is", "zero byte"):
        model.save("a\0b")
    with refuses(ValueError, "load: path is", "zero byte"):
        tg.load("a\0b")


def test_save_of_something_else():
    with refuses(TypeError, "save: model is NoneType; expected a Sequential"):
        io.save(None, "m")


def test_configuration_of_a_wrapped_layer_that_is_no_table():
    config = Bidirectional(LSTM(2)).get_config()
    config["layer"]["config"] = []
    with refuses(ValueError, "Bidirectional: the config of a LSTM is no table"):
        Bidirectional.from_config(config)


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("m.onnx", "tidegate.onnx.load"),
        ("M.KERAS", "tidegate convert"),
        ("m.h5", "tidegate convert"),
        ("m.pt", "tidegate.torch.from_torch"),
    ],
)
def test_a_file_of_another_system_names_what_reads_it(tmp_path, name, reader):
    path = tmp_path / name
    path.write_bytes(b"\x08\x0a\x12\x08 no safetensors")
    with refuses(tg.io.ModelFileError, f"{name} is no model file of tidegate", reader):
        tg.load(path)


@pytest.mark.parametrize(
    ("ending", "writer"),
    [
        (".h5", "tidegate.keras.to_keras(model).save(path)"),
        (".keras", "tidegate.keras.to_keras(model).save(path)"),
        (".ONNX", "tidegate.onnx.export(model, path)"),
        (".pt", "torch.save(tidegate.torch.to_torch(model).state_dict(), path)"),
    ],
)
def test_save_refuses_the_endings_of_other_formats(model, tmp_path, ending, writer):
    with refuses(ValueError, "save: path is", "expected an ending such as .safetensors", writer):
        model.save(tmp_path / f"m{ending}")
    assert os.listdir(tmp_path) == []
