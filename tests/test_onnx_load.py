"""tidegate.onnx.load on files that PyTorch's and Keras's exporters wrote (onnx_files/write.py)."""

from pathlib import Path

import numpy as np
import pytest

from tolerances import BETWEEN_ENGINES, assert_forward_close

pytest.importorskip("onnx", reason="onnx is not installed: no files to read")

from tidegate.io import ModelFileError
from tidegate.onnx import load

FOLDER = Path(__file__).resolve().parent / "onnx_files"
ARRAYS = dict(np.load(FOLDER / "arrays.npz"))
LOOPS = ("keras_gru", "keras_simple_rnn")  # the exporter writes their steps as a Loop
FILES = sorted(path.stem for path in FOLDER.glob("*.onnx") if path.stem not in LOOPS)


@pytest.mark.parametrize("name", FILES)
def test_outputs_are_those_of_the_framework(name):
    x, expected = ARRAYS[f"{name}.x"], ARRAYS[f"{name}.y"]
    model = load(FOLDER / f"{name}.onnx")
    got = model.predict(x)
    assert got.dtype == np.float32
    assert_forward_close(got, expected, name, engines=BETWEEN_ENGINES)
    assert_forward_close(model.predict(x[:1]), expected[:1], name, engines=BETWEEN_ENGINES)


@pytest.mark.parametrize("name", [name for name in FILES if "dynamo" not in name])
def test_steps_are_dynamic_as_in_onnx_runtime(name):
    ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    session = ort.InferenceSession(str(FOLDER / f"{name}.onnx"))
    x = np.concatenate([ARRAYS[f"{name}.x"]] * 2, axis=1)[:2, 1:]
    (entry,) = session.get_inputs()
    x = x.astype(np.int32) if "int32" in entry.type else x
    (expected,) = session.run(None, {entry.name: x})
    got = load(FOLDER / f"{name}.onnx").predict(x)
    assert_forward_close(got, expected, name, engines=BETWEEN_ENGINES)


@pytest.mark.parametrize("name", LOOPS)
def test_loops_are_refused_by_name(name):
    with pytest.raises(ModelFileError, match=r"while_loop' \(Loop\): the operator Loop is not"):
        load(FOLDER / f"{name}.onnx")
