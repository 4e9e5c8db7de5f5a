"""`tidegate convert` and `tidegate info FILE`."""

import numpy as np
import pytest

import tidegate as tg
from table_files import SMALL, saved_model
from tidegate import cli
from tidegate.layers import GRUD, Dense
from tidegate.models import Sequential


@pytest.fixture
def model(tmp_path):
    return saved_model(tmp_path / "m.safetensors")


def refused(outcome, *words):
    status, _, err = outcome
    assert status == 2
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err


def test_to_onnx_and_what_it_computes(command, model):
    pytest.importorskip("onnx", reason='pip install "tidegate[onnx]"')
    status, out, err = command("convert", "m.safetensors", "m.onnx")
    assert status == 0, err
    assert "m.onnx: <Sequential" in out
    x = np.random.default_rng(0).normal(size=(2, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(tg.onnx.load("m.onnx").predict(x), model.predict(x), atol=1e-6)
    status, out, err = command("info", "m.onnx")
    assert status == 0, err
    assert "an ONNX graph" in out and "  input " in out and "  output " in out
    refused(command("convert", "m.safetensors", "m.onnx"), "give --force to replace it")
    refused(command("convert", "m.onnx", "n.safetensors"), "a graph of operators", "onnx.load")


def test_a_layer_that_onnx_lacks(command, tmp_path):
    pytest.importorskip("onnx", reason='pip install "tidegate[onnx]"')
    Sequential([GRUD(3, input_shape=(None, 2)), Dense(1)], seed=0).save("d.safetensors")
    refused(command("convert", "d.safetensors", "d.onnx"), "GRUD")
    assert not (tmp_path / "d.onnx").exists()


def test_names_and_files_that_do_not_fit(command, model, tmp_path):
    refused(command("convert", "absent.safetensors", "m.onnx"), "absent.safetensors: no such file")
    refused(command("convert", "m.safetensors", "m.docx"), "TO m.docx: the ending is unknown")
    (tmp_path / "m.pkl").touch()
    refused(command("convert", "m.pkl", "n.safetensors"), "FROM m.pkl: the ending is unknown")
    refused(command("convert", "m.safetensors", "m.pt"), "TO m.pt: expected", "torch.save(")
    (tmp_path / "m.pt").touch()
    refused(command("convert", "m.pt", "n.safetensors"), "m.pt: PyTorch's files", "from_torch")
    refused(command("convert", "m.safetensors", "m.safetensors"), "is the input")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "m.safetensors").read_bytes()[:-9])
    refused(command("convert", "cut.safetensors", "n.safetensors"), "is not a whole safetensors")
    refused(command("info", "cut.safetensors"), "is not a whole safetensors file")
    refused(command("info", "absent.safetensors"), "absent.safetensors: No such file")


def test_info_describes_a_model(command, model, demand):
    status, out, err = command("info", "m.safetensors")
    assert status == 0, err
    for word in ("trained for 0 epochs", "(LSTM)", "(GRU)", "(Dense)"):
        assert word in out
    given = ("--target", "demand", "--features", "temp", "--window", 7)
    assert command("train", demand, *given, *SMALL)[0] == 0
    status, out, err = command("info", "model.safetensors")
    assert status == 0, err
    for word in ("trained for 3 epochs", "by `tidegate train`", "task         regression", "temp"):
        assert word in out


def test_a_damaged_file_is_named_once(tmp_path, capsys):
    (tmp_path / "bad.safetensors").write_bytes(b"junk")
    assert cli.main(["convert", str(tmp_path / "bad.safetensors"), str(tmp_path / "m.onnx")]) == 2
    assert capsys.readouterr().err.count("bad.safetensors") == 1
