"""Changes of ONNX files: of bytes, of nodes, of tensors, of where their data lie."""

import os

import numpy as np
import onnx

from test_onnx_bad_files import changed, ones_for
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Input
from tidegate.models import Sequential
from tidegate.onnx import export, load

LOCATIONS = ("../now", "/etc/passwd", "", ".", "a\0b", "link.bin", "absent", "bad.onnx", "../../x")


def good_files(folder):
    """Write a stack of recurrent layers, and take those of other exporters; return the paths."""
    layers = [Bidirectional(LSTM(2, return_sequences=True)), GRU(2), Dense(2, "softmax")]
    path = folder / "good.onnx"
    export(Sequential([Input((None, 3)), *layers], seed=1), path)
    link = folder / "link.bin"
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")
    others = os.path.join(os.path.dirname(__file__), "onnx_files")
    names = ("torch_script_gru", "torch_script_lstm", "keras_gru", "torch_dynamo_tokens")
    return [path, *(type(path)(others) / f"{name}.onnx" for name in names)]


def contents(draw, good, folder):
    """The bytes of a file after some random change."""
    content = good.read_bytes()
    change = draw.one("bits", "length", "external", "model", "model", "model")
    if change == "bits":
        bits = bytearray(content)
        for _ in range(draw.one(1, 1, 4)):
            bits[draw.rng.integers(len(bits))] ^= 1 << int(draw.rng.integers(8))
        return bytes(bits)
    if change == "length":
        return content[: draw.rng.integers(len(content) + 1)] + bytes(draw.one(0, 0, 1, 999))
    model = onnx.ModelProto()
    model.ParseFromString(content)
    if change == "model" or not model.graph.initializer:
        return changed(model, draw)
    tensor = draw.one(*model.graph.initializer)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=draw.one(*LOCATIONS))
    for key in ("offset", "length"):
        if draw.chance():
            number = draw.one("0", "-1", "8", "x", "1e3", str(2**63), "9" * 5000)
            tensor.external_data.add(key=key, value=number)
    return model.SerializeToString()


def load_and_run(path):
    """Load a file and run it on ones."""
    model = load(path)
    inputs = {name: ones_for(shape) for name, shape in model.input_shapes.items()}
    try:
        with np.errstate(all="ignore"):
            model.run(inputs)
    except (ValueError, TypeError, MemoryError) as error:
        assert str(error).startswith("run: "), f"an unclear error: {error}"
        return "failed"
    return "ran"
