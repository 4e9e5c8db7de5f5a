"""Files of graphs that were edited, with a right checksum: a clear error each."""

import numpy as np
import pytest

from test_io_bad_files import delete, edit, parts, refused, write
from tidegate.layers import GRU, Add, Concatenate, Dense, Input
from tidegate.models import Model

pytest.importorskip("safetensors", reason="safetensors is not installed: no model files")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The file of a trained model with two inputs: gru, concatenate, dense, add."""
    a, b = Input((4, 2), name="a"), Input((3,), name="b")
    joined = Concatenate()([GRU(2)(a), b])
    dense = Dense(5)
    model = Model([a, b], Add()([dense(joined), joined]), seed=1)
    model.compile("adam", "mse")
    model.fit([np.ones((8, 4, 2)), np.ones((8, 3))], np.ones((8, 5)), verbose=0)
    path = tmp_path_factory.mktemp("graph") / "m.safetensors"
    model.save(path)
    return path


CALLS, READS = "calls", "reads"
EDITS = {
    "inputs of text": (edit(["inputs"], "a"), "inputs or calls is no list"),
    "no inputs": (edit(["inputs"], []), "is 0; expected less than 0"),
    "an input of nothing": (edit(["inputs", 0], None), "an input: expected a table of exactly na"),
    "input name": (edit(["inputs", 0, "name"], "../a"), "name is '../a'; expected letters"),
    "no input name": (edit(["inputs", 0, "name"], None), "name is None; expected letters"),
    "names twice": (edit(["inputs", 0, "name"], "b"), "two inputs have the name 'b'"),
    "input shape": (edit(["inputs", 0, "shape"], [4, 0]), "a size in input_shape is 0"),
    "another shape": (edit(["inputs", 1, "shape"], [9]), "the inputs have the shapes"),
    "calls of text": (edit([CALLS], {}), "inputs or calls is no list"),
    "no calls": (edit([CALLS], []), "output is 5; expected less than 2"),
    "too many calls": (edit([CALLS], [{}] * 10_001), "no list .of at most 10000"),
    "a call of nothing": (edit([CALLS, 1], 3), "a call: expected a table of exactly layer, reads"),
    "unknown layer": (edit([CALLS, 1, "layer"], 4), "layer is 4; expected less than 4"),
    "negative layer": (edit([CALLS, 1, "layer"], -1), "layer is -1"),
    "layer of text": (edit([CALLS, 1, "layer"], "gru"), "layer is 'gru' of type str"),
    "reads itself": (edit([CALLS, 0, READS], [2]), "a place is 2; expected less than 2"),
    "reads the future": (edit([CALLS, 1, READS], [4, 1]), "a place is 4; expected less than 3"),
    "reads nothing": (edit([CALLS, 1, READS], []), "reads .*expected a list of places"),
    "reads text": (edit([CALLS, 1, READS], "01"), "reads '01'; expected a list of places"),
    "reads too much": (edit([CALLS, 2, READS], [0, 1]), "reads 2 places; expected one"),
    "reads a state": (edit([CALLS, 0, READS], [0, 1]), r"initial_state has the shapes .N, 3."),
    "reads too little": (edit([CALLS, 1, READS], [2]), "x has 1 inputs; expected 2 or more"),
    "reads another": (edit([CALLS, 0, READS], [1]), "expected .N, steps, features"),
    "output": (edit(["output"], 9), "output is 9; expected less than 6"),
    "output of an input": (edit(["output"], 0), "the output is an Input"),
    "output in the middle": (edit(["output"], 3), "a layer or call is not connected"),
    "a call less": (delete(CALLS, 3), "output is 5; expected less than 5"),
    "a layer less": (delete("layers", 3), "layer is 3; expected less than 3"),
    "as a chain": (edit(["class"], "Sequential"), "expected a table of exactly .*input_shape"),
    "no output": (delete("output"), "expected a table of exactly .*inputs, calls, output"),
    "enormous units": (
        edit(["layers", 0, "config", "units"], 10**15),
        "the inputs have the shapes",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_edited_graphs(name, good, tmp_path):
    change, message = EDITS[name]
    metadata, model, arrays = parts(good)
    change(model)
    refused(write(tmp_path / "m", metadata, arrays, model=model), message)
