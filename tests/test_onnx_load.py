"""tidegate.onnx.load on files that PyTorch's and Keras's exporters wrote (onnx_files/write.py)."""

from pathlib import Path

import numpy as np
import pytest

from tolerances import BETWEEN_ENGINES, assert_forward_close

onnx = pytest.importorskip("onnx", reason="onnx is not installed: no files to read")

from tidegate.io import ModelFileError  # noqa: E402
from tidegate.onnx import load  # noqa: E402

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


def test_what_is_computed_beforehand_is_limited_in_all(tmp_path, monkeypatch):
    """A kilobyte of nodes asked for gigabytes that stayed as long as the model."""
    from onnx import helper, numpy_helper

    sizes = {"one": np.ones(1, np.float32), "often": np.array([100])}
    nodes = [helper.make_node("Tile", ["one", "often"], [f"t{k}"]) for k in range(40)]
    nodes.append(helper.make_node("Add", ["x", "t39"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "bomb",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [100])],
        [numpy_helper.from_array(array, name) for name, array in sizes.items()],
    )
    path = tmp_path / "bomb.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    monkeypatch.setattr("tidegate.onnx.model.FREE_ELEMENTS", 1000)
    model = load(path)
    assert sum(array.size for array in model._constants.values()) <= 1000 + 2
    np.testing.assert_array_equal(model.predict(np.ones(1, np.float32)), np.full(100, 2))
