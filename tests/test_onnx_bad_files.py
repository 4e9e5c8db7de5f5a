"""Wrong, damaged and hostile ONNX files: a clear error that names the node, and nothing worse.

TIDEGATE_TEST_RANDOM=5000 tries that many random changes of valid files.
"""

import os

import numpy as np
import pytest

from onnx_models import OnnxModels
from random_runs import COUNT, FIRST, Draw
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Input
from tidegate.models import Sequential

onnx = pytest.importorskip("onnx", reason="onnx is not installed: no files to read")
from onnx import helper, numpy_helper  # noqa: E402

from tidegate.io import ModelFileError  # noqa: E402
from tidegate.onnx import export, load  # noqa: E402

X = np.ones((2, 4, 3), np.float32)


@pytest.fixture
def good(tmp_path):
    """A file with a recurrent layer in both directions, as a ModelProto."""
    layers = [Bidirectional(LSTM(2, return_sequences=True)), GRU(2), Dense(2, "softmax")]
    export(Sequential([Input((None, 3)), *layers], seed=1), tmp_path / "good.onnx")
    return onnx.load(tmp_path / "good.onnx")


@pytest.fixture
def refused(tmp_path):
    """Check that a model, or bytes, are refused with a message."""

    def check(content, match):
        path = tmp_path / "bad.onnx"
        path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
        with pytest.raises(ModelFileError, match=match):
            load(path)

    return check


def node_of(model, op):
    return next(node for node in model.graph.node if node.op_type == op)


def test_no_onnx_file(refused, good, tmp_path):
    whole = good.SerializeToString()
    refused(whole[: len(whole) // 2], "bad.onnx: it is no ONNX model, or not all of one")
    refused(b"PK\x03\x04 a zip file", "it is no ONNX model")
    refused(b"", "it has no graph")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent.onnx")
    with pytest.raises(ModelFileError, match="it is a folder, device or pipe"):
        load(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="it is a folder, device or pipe"):
        load(tmp_path / "pipe")


def test_sizes_are_compared_with_the_data_before_memory_is_taken(refused, good):
    weight = next(t for t in good.graph.initializer if t.name.endswith("/W"))
    del weight.dims[:]
    weight.dims.extend([2, 2**40, 2**20])
    refused(good, "the tensor '[a-z]+/W' has 192 bytes; expected 9223372036854775808 for shape")
    del weight.dims[:]
    weight.dims.extend([-1, 8, 3])
    refused(good, r"has the shape \(-1, 8, 3\)")
    del weight.dims[:]
    weight.dims.extend([2, 8, 3])
    weight.data_type = onnx.TensorProto.FLOAT16
    refused(good, "has the element type 10; expected float32")


def graph_with(nodes, initializers=(), inputs=("x",), opset=22):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value(name, 1, [None, None, 3]) for name in inputs],
        [value("y", 1, None)],
        [numpy_helper.from_array(array, name) for name, array in dict(initializers).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def make(op, inputs, outputs=("y",), **attributes):
    return helper.make_node(op, inputs, outputs, name=f"the_{op.lower()}", **attributes)


WRONG_GRAPHS = {
    "unknown operator": (
        [make("Det", ["x"])],
        "'the_det' .Det.: the operator Det is not supported",
    ),
    "other domain": (
        [make("LSTM", ["x"], domain="com.example")],
        "the operator LSTM of the domain 'com.example' is not supported",
    ),
    "subgraph": ([make("Loop", ["x"])], "'the_loop' .Loop.: the operator Loop is not supported"),
    "cycle": (
        [make("Tanh", ["a"], ["b"]), make("Tanh", ["b"], ["a"]), make("Tanh", ["a"])],
        "'the_tanh' .Tanh.: it reads 'a', which no input, initializer or node before it",
    ),
    "written twice": (
        [make("Tanh", ["x"], ["x"]), make("Tanh", ["x"])],
        "'the_tanh' .Tanh.: the output 'x' has a name that something else has",
    ),
    "no output": ([make("Tanh", ["x"], ["z"])], "the output 'y' is written by no node"),
    "too few inputs": ([make("LSTM", ["x"])], "'the_lstm' .LSTM.: it has 1 inputs; expected 3"),
    "too many inputs": ([make("Tanh", ["x", "x"])], "it has 2 inputs; expected 1"),
    "too many outputs": (
        [make("Tanh", ["x"], ["y", "z"])],
        "it has 2 outputs; expected 1 to 1",
    ),
    "unknown attribute": ([make("Tanh", ["x"], alpha=1.0)], "it has the attribute 'alpha'"),
    "kind of attribute": (
        [make("Softmax", ["x"], axis=1.5)],
        "its attribute 'axis' is of kind float; expected int",
    ),
}


@pytest.mark.parametrize("name", WRONG_GRAPHS)
def test_wrong_graphs(name, refused):
    nodes, match = WRONG_GRAPHS[name]
    refused(graph_with(nodes), match)


def test_wrong_models(refused, good):
    refused(graph_with([make("Tanh", ["x"])], opset=6), "has opset 6; expected 7 or later")
    refused(graph_with([make("Tanh", ["x"])], inputs=("x", "x")), "the input 'x' has a name that")
    twice = graph_with([make("Tanh", ["x"])], {"w": np.ones(1)})
    twice.graph.initializer.append(twice.graph.initializer[0])
    refused(twice, "the initializer 'w' has a name that something else has")
    names = graph_with([make("Tanh", ["x"])])
    names.functions.add().name = "mine"
    refused(names, "the function 'mine'; expected operators of ONNX only")
    texts = graph_with([make("Tanh", ["x"])])
    texts.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.STRING
    refused(texts, "the input 'x' has the element type 8")


def test_recurrent_nodes_with_wrong_weights(refused, good):
    lstm = node_of(good, "LSTM")
    lstm.input[1], lstm.input[2] = lstm.input[2], lstm.input[1]
    refused(good, r"'bidirectional/LSTM' \(LSTM\): from_onnx: W has shape")
    lstm.input[1], lstm.input[2] = lstm.input[2], lstm.input[1]
    lstm.attribute.append(helper.make_attribute("activations", ["Det"] * 6))
    refused(good, r"'bidirectional/LSTM' \(LSTM\): .*activations has 'Det'")
    lstm.attribute[-1].strings[:] = [b"Tanh"]
    refused(good, "activations has 1 names; expected 6")


def test_a_few_bytes_cannot_ask_for_any_memory(refused):
    huge = np.array([2**20, 2**20, 2**10])
    bombs = {
        "ConstantOfShape": [make("ConstantOfShape", ["n"])],
        "Expand": [make("Expand", ["one", "n"])],
        "Tile": [make("Tile", ["one", "n"])],
    }
    constants = {"n": huge, "one": np.ones((1, 1, 1), np.float32)}
    for op, nodes in bombs.items():
        refused(graph_with(nodes, constants), rf"{op}\): its result would have 1125899906842624")
    thousand = np.ones((10**6, 1), np.float32)
    constants = {"a": thousand, "b": thousand.T.copy()}
    for op in ("MatMul", "Add"):
        refused(graph_with([make(op, ["a", "b"])], constants), "would have 1000000000000 elements")


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/passwd", "", ".", "a\0b", "link.bin", "no_such_file"]
)
def test_data_outside_the_folder_are_refused(location, tmp_path, good):
    (tmp_path / "secret.bin").write_bytes(bytes(192))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    weight = next(t for t in good.graph.initializer if t.name.endswith("/W"))
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    (folder / "m.onnx").write_bytes(good.SerializeToString())
    with pytest.raises(ModelFileError, match=r"the tensor '\w+/W' lies in"):
        load(folder / "m.onnx")


def test_data_beside_the_model_are_read(tmp_path, good):
    path = tmp_path / "m.onnx"
    expected = load(tmp_path / "good.onnx").predict(X)
    onnx.save(good, path, save_as_external_data=True, location="m.data", size_threshold=0)
    np.testing.assert_array_equal(load(path).predict(X), expected)
    (tmp_path / "m.data").write_bytes(b"short")
    with pytest.raises(ModelFileError, match=r"bytes from \d+ on in 'm.data'; expected"):
        load(path)


def test_wrong_inputs_of_a_run(good, tmp_path):
    model = load(tmp_path / "good.onnx")
    with pytest.raises(ValueError, match="there are 0 inputs; expected 1: 'input'"):
        model.predict()
    with pytest.raises(ValueError, match="run: the input 'x' is missing or unknown; expected 'inp"):
        model.run({"input": X, "x": X})
    with pytest.raises(ValueError, match=r"input has shape \(4, 3\); expected \(batch, time, 3\)"):
        model.predict(X[0])
    with pytest.raises(TypeError, match="input"):
        model.predict("text")


def test_a_node_that_fails_is_named(tmp_path):
    path = tmp_path / "m.onnx"
    names = {"w": np.ones((4, 2), np.float32), "n": np.array([7])}
    for op, inputs, match in (
        ("MatMul", ["x", "w"], r"'the_matmul' \(MatMul\): its inputs have the shapes"),
        ("Add", ["x", "n"], r"\(Add\): its inputs have the dtypes float32, int64"),
        ("Reshape", ["x", "n"], r"\(Reshape\): cannot reshape"),
        ("Gather", ["x", "n"], r"\(Gather\): it has the index 7; expected -2..1"),
        ("Squeeze", ["x", "n"], r"\(Squeeze\): its axis is 7; expected one of an array of 3"),
    ):
        path.write_bytes(graph_with([make(op, inputs)], names).SerializeToString())
        with pytest.raises(ValueError, match=f"predict: node {match}" if op == "MatMul" else match):
            load(path).predict(X)


def changed(model, draw):
    """The bytes of a model after some random change."""
    if draw.chance(0.4):
        content = bytearray(model.SerializeToString())
        for _ in range(draw.one(1, 1, 2, 5)):
            content[draw.rng.integers(len(content))] = draw.rng.integers(256)
        return bytes(content)
    other = onnx.ModelProto()
    other.CopyFrom(model)
    node = draw.one(*other.graph.node)
    number = draw.one(-(2**63), -7, -1, 0, 1, 2, 3, 5, 2**31, 2**62)
    names = [name for entry in other.graph.node for name in (*entry.input, *entry.output)]
    change = draw.one("input", "output", "op", "attribute", "dims", "numbers", "gone", "again")
    if change == "input" and node.input:
        node.input[draw.rng.integers(len(node.input))] = draw.one("", "x", *names)
    elif change == "output":
        node.output[0] = draw.one("", *names)
    elif change == "op":
        node.op_type = draw.one(*other.graph.node).op_type
    elif change == "attribute" and node.attribute:
        attribute = draw.one(*node.attribute)
        attribute.i, attribute.f = number, draw.one(float("nan"), -1.0, 1e30)
        attribute.ints[:] = [number] * draw.one(0, 1, 2, 3)
    elif change in ("dims", "numbers"):
        tensor = draw.one(*other.graph.initializer)
        if change == "dims" and tensor.dims:
            tensor.dims[draw.rng.integers(len(tensor.dims))] = number
        elif tensor.data_type == onnx.TensorProto.INT64:
            count = len(tensor.raw_data) // 8
            tensor.raw_data = np.full(count, number).tobytes()
        else:
            tensor.data_type = int(draw.rng.integers(30))
    elif change == "gone":
        other.graph.node.remove(node)
    else:
        other.graph.node.append(node)
    return other.SerializeToString()


def ones_for(shape):
    """An input of a shape in which some sizes are open, or of another where it is too large."""
    sizes = [n if isinstance(n, int) else 4 if n == "time" else 3 for n in shape or ()]
    return np.ones(sizes if np.prod(sizes, dtype=float) < 1e6 else 1)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + max(COUNT // 50, 4)))
def test_random_changes_give_clear_errors(seed, tmp_path):
    """Each of 50 changed files is refused, or runs, or fails in a node with its name."""
    draw = Draw(seed, np.float32)
    path = tmp_path / "m.onnx"
    export(OnnxModels(draw, lengths=draw.chance()).model(), path)
    model = onnx.load(path)
    outcomes = {"refused": 0, "failed": 0, "ran": 0}
    for _ in range(50):
        path.write_bytes(changed(model, draw))
        try:
            loaded = load(path)
        except ModelFileError as error:
            assert str(error).startswith(f"load: {path}: ")
            outcomes["refused"] += 1
            continue
        inputs = {name: ones_for(shape) for name, shape in loaded.input_shapes.items()}
        try:
            loaded.run(inputs)
            outcomes["ran"] += 1
        except ValueError as error:
            assert str(error).startswith("run: ")
            outcomes["failed"] += 1
    assert outcomes["refused"] > 5, outcomes
