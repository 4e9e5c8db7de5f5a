"""Files that are truncated, edited, hostile, of another version or no model: a clear error each."""

import json
import struct

import numpy as np
import pytest

import tidegate as tg
from tidegate import io
from tidegate.io import ModelFileError
from tidegate.layers import GRU, Bidirectional, Dense, Embedding
from tidegate.models import Sequential

pytest.importorskip("safetensors", reason="safetensors is not installed: no model files")
from safetensors import numpy as safetensors

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A trained model's file: its metadata, its description and its arrays."""
    model = Sequential(
        [Embedding(9, 3, input_shape=(4,)), Bidirectional(GRU(2)), Dense(1)], name="good", seed=1
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(RNG.integers(0, 9, (8, 4)), np.ones(8), verbose=0)
    path = tmp_path_factory.mktemp("good") / "m.safetensors"
    model.save(path)
    return path


def parts(path):
    with __import__("safetensors").safe_open(path, "numpy") as file:
        metadata = file.metadata()
    return metadata, json.loads(metadata["model"]), safetensors.load_file(path)


def write(path, metadata, arrays, *, model=None, sign=True):
    """Write a file, edited but with a right checksum, as an attacker would."""
    if model is not None:
        metadata["model"] = model if isinstance(model, str) else json.dumps(model)
    if sign:
        metadata["checksum"] = io.checksum(metadata, arrays)
    path.write_bytes(safetensors.save(arrays, metadata))
    return path


def refused(path, message):
    with pytest.raises(ModelFileError, match=message) as caught:
        tg.load(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_the_fixture_loads(good, tmp_path):
    metadata, model, arrays = parts(good)
    tg.load(write(tmp_path / "m", metadata, arrays, model=model))


def test_truncated_anywhere(good, tmp_path):
    content = good.read_bytes()
    path = tmp_path / "m"
    for length in [*range(0, 40), *range(40, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:length])
        refused(path, "is not a whole safetensors file")


def test_any_byte_changed(good, tmp_path):
    content = bytearray(good.read_bytes())
    path = tmp_path / "m"
    for position in [*range(0, 200, 3), *range(200, len(content), 61), len(content) - 1]:
        changed = bytearray(content)
        changed[position] ^= 1 << (position % 8)
        path.write_bytes(changed)
        with pytest.raises(ModelFileError):
            tg.load(path)


def test_longer_than_it_says(good, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(good.read_bytes() + b"more")
    refused(path, "not a whole safetensors file")


@pytest.mark.parametrize("content", [b"", b"\0", b"PK\3\4 a zip", b"\x80\x04 a pickle", b"{}" * 9])
def test_no_safetensors_at_all(content, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(content)
    refused(path, "is not a whole safetensors file .*expected a file that model.save wrote")


@pytest.mark.parametrize("size", [2**63, 2**40, 10**8])
def test_a_header_of_enormous_size(size, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(struct.pack("<Q", size) + b"{}")
    refused(path, "not a whole safetensors file")


@pytest.mark.parametrize(
    ("shape", "offsets"), [([2**62], [0, 8]), ([2**40, 2**40], [0, 8]), ([1], [0, 2**60])]
)
def test_arrays_of_enormous_size(shape, offsets, tmp_path):
    header = {"a": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}
    text = json.dumps(header).encode()
    path = tmp_path / "m"
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 8)
    refused(path, "not a whole safetensors file")


def test_safetensors_of_something_else(tmp_path):
    path = tmp_path / "m"
    safetensors.save_file({"a": np.zeros(3, "f4")}, path)
    refused(path, "is a safetensors file, but not a model of tidegate")
    safetensors.save_file({"a": np.zeros(3, "f4")}, path, {"format": "pt"})
    refused(path, "is a safetensors file, but not a model of tidegate")


def test_another_version(good, tmp_path):
    metadata, _, arrays = parts(good)
    metadata |= {"format_version": "2", "tidegate_version": "9.0"}
    message = "has format version '2', written by tidegate 9.0; expected '1'"
    refused(write(tmp_path / "m", metadata, arrays), message)


def test_an_edit_without_a_new_checksum(good, tmp_path):
    metadata, model, arrays = parts(good)
    arrays["weights/dense/bias"] = arrays["weights/dense/bias"] + 1
    message = "has another content than its checksum says; it was changed"
    refused(write(tmp_path / "m", metadata, arrays, sign=False), message)
    metadata, model, arrays = parts(good)
    model["name"] = "other"
    refused(write(tmp_path / "m", metadata, arrays, model=model, sign=False), message)


def edit(path, value):
    """A function that sets an entry deep in the description."""

    def change(model):
        *way, last = path
        for key in way:
            model = model[key]
        model[last] = value

    return change


def delete(*path):
    def change(model):
        *way, last = path
        for key in way:
            model = model[key]
        del model[last]

    return change


LAYERS, CONFIG = "layers", "config"
EDITS = {
    "unknown layer": (edit([LAYERS, 2, "class"], "Conv2D"), "class of a layer is 'Conv2D'; exp"),
    "a module": (edit([LAYERS, 2, "class"], "os.system"), "class of a layer is 'os.system'"),
    "unhashable class": (edit([LAYERS, 2, "class"], ["Dense"]), "class of a layer is"),
    "base class": (edit([LAYERS, 2, "class"], "Layer"), "class of a layer is 'Layer'"),
    "wrapped dense": (edit([LAYERS, 1, CONFIG, "layer", "class"], "Dense"), "a layer is 'De"),
    "nested": (edit([LAYERS, 1, CONFIG, "layer", "class"], "Bidirectional"), "is 'Bidirectional'"),
    "unknown argument": (edit([LAYERS, 2, CONFIG, "evil"], 1), "unknown argument 'evil'"),
    "self": (edit([LAYERS, 2, CONFIG, "self"], 1), "unknown argument 'self'"),
    "missing argument": (delete(LAYERS, 2, CONFIG, "units"), "units"),
    "units of another size": (edit([LAYERS, 2, CONFIG, "units"], 2), r"shape \(4, 1\).*exp.*4, 2"),
    "enormous units": (edit([LAYERS, 2, CONFIG, "units"], 10**15), "expected .4, 1000000000000000"),
    "negative units": (edit([LAYERS, 2, CONFIG, "units"], -1), "units is -1"),
    "units of text": (edit([LAYERS, 2, CONFIG, "units"], "1"), "units is '1' of type str"),
    "enormous table": (edit([LAYERS, 0, CONFIG, "input_dim"], 10**12), r"expected \(10{12}, 3\)"),
    "another dtype": (edit([LAYERS, 2, CONFIG, "dtype"], "float64"), "dtype float32; expected"),
    "dtype of objects": (edit([LAYERS, 2, CONFIG, "dtype"], "O"), "dtype is 'O'; expected"),
    "activation": (edit([LAYERS, 2, CONFIG, "activation"], "exec"), "activation is 'exec'"),
    "initializer": (
        edit([LAYERS, 2, CONFIG, "kernel_initializer"], {"class": "X", CONFIG: {}}),
        "the class of kernel_initializer is 'X'",
    ),
    "return_state": (edit([LAYERS, 1, CONFIG, "layer", CONFIG, "return_state"], True), "return_st"),
    "name twice": (edit([LAYERS, 2, CONFIG, "name"], "embedding"), "name 'embedding' is used twi"),
    "another name": (edit([LAYERS, 2, CONFIG, "name"], "other"), "weights/other/kernel is missing"),
    "name with a slash": (edit([LAYERS, 2, CONFIG, "name"], "../x"), "name is '../x'; expected"),
    "no layers": (edit([LAYERS], []), "layers is no list of 1 to 1000 layers"),
    "layers of text": (edit([LAYERS], "Dense"), "layers is no list"),
    "too many layers": (edit([LAYERS], [{}] * 1001), "layers is no list of 1 to 1000"),
    "a layer less": (delete(LAYERS, 2), "the array weights/dense/.* belongs to no layer"),
    "a layer of nothing": (edit([LAYERS, 2], None), "a layer is None; expected its class and con"),
    "config of nothing": (edit([LAYERS, 2, CONFIG], []), "the config of a Dense is no table"),
    "input shape": (edit(["input_shape"], [4, 2]), "expected .N, steps, features"),
    "input of text": (edit(["input_shape"], "4"), "input_shape is '4'"),
    "input shape of 0": (edit(["input_shape"], [0]), "a size in input_shape is 0"),
    "seed": (edit(["seed"], -1), "seed is -1"),
    "seed of text": (edit(["seed"], "x"), "seed is 'x'"),
    "epochs": (edit(["epochs_trained"], 1.5), "epochs_trained is 1.5"),
    "class": (edit(["class"], "Functional"), "class is 'Functional'"),
    "key too many": (edit(["more"], 1), "expected a table of exactly class, name"),
    "key missing": (delete("seed"), "expected a table of exactly"),
    "name of nothing": (edit(["name"], None), "name is None"),
    "optimizer": (edit(["compile", "optimizer", "class"], "Lion"), "class of the optimizer is 'Li"),
    "optimizer argument": (edit(["compile", "optimizer", CONFIG, "x"], 1), "x"),
    "optimizer of nothing": (edit(["compile", "optimizer"], None), "optimizer is no table"),
    "other slots": (
        edit(["compile", "optimizer"], {"class": "SGD", CONFIG: {"learning_rate": 0.1}}),
        "array optimizer/.* is not of this optimizer",
    ),
    "no slots": (edit(["compile", "has_slots"], False), "has taken steps, but has no slots"),
    "iterations": (edit(["compile", "iterations"], -1), "iterations is -1"),
    "rate": (edit(["compile", "optimizer", CONFIG, "learning_rate"], None), "learning_rate is Non"),
    "loss": (edit(["compile", "loss", "class"], "Loss"), "class of the loss is 'Loss'"),
    "loss argument": (edit(["compile", "loss", CONFIG, "reduction"], "x"), "reduction is 'x'"),
    "metric": (edit(["compile", "metrics"], ["x"]), "metrics has 'x'; expected one of"),
    "metrics of text": (edit(["compile", "metrics"], "mae"), "the metrics are no list"),
    "not compiled": (edit(["compile"], None), "array optimizer/.* is not of this optimizer"),
}


@pytest.mark.parametrize("name", EDITS)
def test_edited_descriptions(name, good, tmp_path):
    change, message = EDITS[name]
    metadata, model, arrays = parts(good)
    change(model)
    refused(write(tmp_path / "m", metadata, arrays, model=model), message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not describe a model"),
        ("{", "does not describe a model"),
        ("null", "expected a table of exactly"),
        ("[]", "expected a table of exactly"),
        ('"x"', "expected a table of exactly"),
        ("[" * 100_000, "does not describe a model"),
        ('{"seed": NaN}', "a number is NaN"),
        ('{"seed": -Infinity}', "a number is -Infinity"),
        ('{"seed": 1' + "0" * 5000 + "}", "does not describe a model"),
    ],
    ids=["empty", "half", "null", "list", "text", "deep", "nan", "infinity", "long"],
)
def test_descriptions_that_are_none(text, message, good, tmp_path):
    metadata, _, arrays = parts(good)
    refused(write(tmp_path / "m", metadata, arrays, model=text), message)


def without(name):
    return lambda arrays: arrays.pop(name)


def with_array(name, array):
    return lambda arrays: arrays.update({name: array})


KERNEL = "weights/dense/kernel"
ARRAYS = {
    "missing": (without(KERNEL), f"the array {KERNEL} is missing"),
    "missing slot": (
        without("optimizer/momentum/dense/kernel"),
        "optimizer/momentum/dense/kernel is missing",
    ),
    "too many": (with_array("weights/evil", np.zeros(3, "f4")), "weights/evil belongs to no layer"),
    "elsewhere": (with_array("evil", np.zeros(3, "f4")), "evil belongs to no layer"),
    "more slots": (with_array("optimizer/x", np.zeros(3, "f4")), "optimizer/x is not of this opt"),
    "shape": (with_array(KERNEL, np.zeros((1, 4), "f4")), r"has shape \(1, 4\).*expected \(4, 1\)"),
    "dtype": (with_array(KERNEL, np.zeros((4, 1), "f8")), "dtype float64; expected .4, 1. and flo"),
    "ints": (with_array(KERNEL, np.zeros((4, 1), "i4")), "dtype int32; expected"),
    "nan": (with_array(KERNEL, np.full((4, 1), np.nan, "f4")), f"{KERNEL} is not finite"),
    "slot shape": (
        with_array("optimizer/velocity/dense/bias", np.zeros(2, "f4")),
        r"optimizer/velocity/dense/bias has shape \(2,\)",
    ),
    "slot inf": (
        with_array("optimizer/velocity/dense/bias", np.full(1, np.inf, "f4")),
        "optimizer/velocity/dense/bias is not finite",
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_edited_arrays(name, good, tmp_path):
    change, message = ARRAYS[name]
    metadata, _, arrays = parts(good)
    change(arrays)
    refused(write(tmp_path / "m", metadata, arrays), message)


def test_a_missing_file_is_no_model_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        tg.load(tmp_path / "missing")
    with pytest.raises(OSError, match="irectory"):
        tg.load(tmp_path)
