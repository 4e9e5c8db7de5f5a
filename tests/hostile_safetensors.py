"""Changes of tidegate's own model files: of bytes, of the header, of the description."""

import copy
import json
import struct

import numpy as np
from safetensors import numpy as safetensors
from safetensors import safe_open

import tidegate
from tidegate import io
from tidegate.layers import GRU, LSTM, Bidirectional, Dense, Embedding, Input
from tidegate.models import Model, Sequential

# What an entry of the description or of the header may become.
VALUES = (None, True, -1, 0, 1, 2, 3, 2**31, 2**63, 10**30, 1.5, 1e308, "", "x", "../x", "\0", [])
VALUES += ([1, 2], [[[]]], {}, {"class": "Dense", "config": {}}, {"class": "os.system"}, "float64")


def good_files(folder):
    """Write a sequence of layers with an optimizer's moments, and a graph; return the paths."""
    rng = np.random.default_rng(0)
    tokens = Sequential(
        [Embedding(9, 3, input_shape=(4,)), Bidirectional(GRU(2)), Dense(1)], name="good", seed=1
    )
    tokens.compile("adam", "mse", metrics=["mae"])
    tokens.fit(rng.integers(0, 9, (8, 4)), np.ones(8), verbose=0)
    x = Input((4, 3))
    graph = Model(x, Dense(2)(LSTM(3)(x)), seed=1)
    paths = [folder / "tokens.safetensors", folder / "graph.safetensors"]
    for model, path in zip((tokens, graph), paths, strict=True):
        model.save(path)
    return paths


def contents(draw, good, folder):
    """The bytes of a file after some random change."""
    content = good.read_bytes()
    change = draw.one(
        "bytes", "bytes", "length", "header", "header text", "model", "model", "arrays"
    )
    if change == "bytes":
        return flipped(draw, content)
    if change == "length":
        return content[: draw.rng.integers(len(content) + 1)] + bytes(draw.one(0, 0, 1, 999))
    if change in ("header", "header text"):
        return with_header(draw, content, text=change == "header text")
    metadata, arrays = opened(good)
    if change == "model":
        description = json.loads(metadata["model"])
        for _ in range(draw.one(1, 1, 2, 4)):
            spoil_entry(draw, description)
        metadata["model"] = odd_text(draw, json.dumps(description))
    else:
        spoil_array(draw, arrays)
    metadata["checksum"] = io.checksum(metadata, arrays)  # as an attacker would
    return safetensors.save(arrays, metadata)


def load_and_run(path):
    """Load a file and predict with it."""
    model = tidegate.load(path)
    tidegate.io.load_notes(path)
    again = tidegate.io.from_bytes(path.read_bytes())
    sample = [2 if n is None else n for n in model.input_shape]
    if np.prod(sample, dtype=float) > 1e5:
        return "loaded"
    try:
        y = np.asarray(model.predict(np.ones((2, *sample))))
    except ValueError as error:
        return "failed" if str(error).startswith("predict: ") else _unclear(error)
    np.testing.assert_array_equal(y, np.asarray(again.predict(np.ones((2, *sample)))))
    return "ran"


def _unclear(error):
    raise AssertionError(f"an unclear error: {error}") from error


def opened(path):
    """Metadata and arrays."""
    with safe_open(path, "numpy") as file:
        names = list(file.keys())  # the open file is no mapping
        return dict(file.metadata()), {name: file.get_tensor(name) for name in names}


def flipped(draw, content):
    """A few bits or bytes changed, most of them in the header."""
    changed = bytearray(content)
    end = draw.one(8, 200, len(content))
    for _ in range(draw.one(1, 1, 2, 8)):
        position = int(draw.rng.integers(end))
        changed[position] = draw.one(changed[position] ^ 1 << int(draw.rng.integers(8)), 0, 255)
    return bytes(changed)


def with_header(draw, content, text):
    """Another header before the same arrays, its size right or absurd."""
    size = struct.unpack("<Q", content[:8])[0]
    header = content[8 : 8 + size].decode()
    if text:
        header = odd_text(draw, header)
    else:
        table = json.loads(header)
        for _ in range(draw.one(1, 1, 3)):
            spoil_entry(draw, table)
        header = json.dumps(table)
    said = draw.one(*[len(header.encode())] * 8, 2**63, 2**40, 10**8, 0)
    return struct.pack("<Q", said) + header.encode() + content[8 + size :]


def odd_text(draw, text):
    """The same JSON, or with a key twice, a number that JSON lacks, or nested without end."""
    return draw.one(
        *[text] * 5,
        text[: int(draw.rng.integers(len(text)))],
        "[" * draw.one(100, 5000, 10**5) + text,
        '{"a":' * draw.one(100, 5000) + text + "}" * 5000,
        text[:-1] + "," + text[1:],
        text.replace(": 1", draw.one(": NaN", ": Infinity", ": -1", ": 1e999", ": 1" + "0" * 5000)),
        text + "\ud7ff\0",
    )


def spoil_entry(draw, tree):
    """Change, remove or add one entry somewhere in a tree of tables and lists."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = draw.one(*keys)
        if isinstance(tree[key], dict | list) and tree[key] and draw.chance(0.8):
            tree = tree[key]
            continue
        change = draw.one("set", "set", "set", "number", "gone", "again")
        if change == "gone":
            del tree[key]
        elif change == "again" and isinstance(tree, list):
            tree.append(copy.deepcopy(tree[key]))
        elif change == "number" and isinstance(tree[key], int):
            tree[key] = tree[key] + draw.one(-1, 1, 10**6, 2**62)
        else:
            tree[key] = copy.deepcopy(VALUES[draw.rng.integers(len(VALUES))])
        return


def spoil_array(draw, arrays):
    """Change one array, its name or its dtype."""
    name = draw.one(*arrays)
    array = arrays.pop(name)
    change = draw.one("gone", "name", "dtype", "value", "shape")
    if change == "name":
        arrays[draw.one("weights/x", "", "x", name + "/x", name.upper())] = array
    elif change == "dtype":
        arrays[name] = array.astype(draw.one("f2", "f8", "i1", "u8", "?", "i4"))
    elif change == "value":
        arrays[name] = np.full(array.shape, draw.one(np.nan, np.inf, 3e38, -0.0), array.dtype)
    elif change == "shape":
        shape = draw.one((0,), (), (1, *array.shape), array.shape[::-1], (*array.shape, 0))
        arrays[name] = np.zeros(shape, array.dtype)
