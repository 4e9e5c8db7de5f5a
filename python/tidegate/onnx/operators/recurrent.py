"""LSTM, GRU and RNN on tidegate's engine.

X (T, B, I) to Y (T, D, B, H), Y_h and Y_c (D, B, H) of D directions; with layout=1 (B, T, I) to
(B, T, D, H) and (B, D, H). A sequence of length 0 ends in its initial state.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from tidegate.functional import birnn_forward, rnn_forward
from tidegate.layers.types import Array
from tidegate.onnx.operators.node import Function, Node, Operator
from tidegate.weights import CellWeights, from_onnx


def run(
    node: Node,
    x: Array,
    w: Array,
    r: Array,
    b: Array | None = None,
    lengths: Array | None = None,
    h0: Array | None = None,
    c0: Array | None = None,
    p: Array | None = None,
    *,
    cells: tuple[CellWeights, ...] | None = None,
) -> tuple[Any, ...]:
    """Return Y, Y_h and, of an LSTM, Y_c; `cells` are those of the weights, if made before."""
    if cells is None:
        cells = from_onnx(node.op, w, r, b, p, attributes=node.attributes)
    batch_first = bool(node.get("layout", 0))
    if x.ndim != 3:
        raise ValueError(f"its X has shape {x.shape}; expected three axes")
    options: dict[str, Any] = {"batch_first": batch_first}
    if lengths is not None:
        options["lengths"] = lengths
    options["return_sequences"] = bool(node.outputs[0])
    state = _initial(cells, (h0, c0), x.shape[0 if batch_first else 1], batch_first)
    out: Any
    if len(cells) == 2:
        out = birnn_forward(*cells, x, state, **options)
    else:
        backwards = node.get("direction", "forward") == "reverse"
        out = rnn_forward(cells[0], x, state, go_backwards=backwards, **options)
    parts = len(out.state) // len(cells)
    axis = 1 if batch_first else 0
    final = [np.stack(out.state[part::parts], axis=axis) for part in range(parts)]
    return (_by_direction(out.y, len(cells), batch_first), *final)


def prepare(node: Node, constants: Mapping[str, Array]) -> Function:
    """Return `run` for one node, its cells made already where the weights are constants."""
    names = dict(zip(("X", "W", "R", "B", "lengths", "h0", "c0", "P"), node.inputs, strict=False))
    arrays = [names.get(name, "") for name in "WRBP"]
    if any(name and name not in constants for name in arrays):
        return partial(run, node)
    given = [constants[name] if name else None for name in arrays]
    cells = from_onnx(node.op, *given, attributes=node.attributes)
    return partial(run, node, cells=cells)


def _initial(
    cells: tuple[CellWeights, ...], given: tuple[Any, Any], batch: int, batch_first: bool
) -> tuple[Array | None, ...] | None:
    """Return the state before the first step as the engine takes it."""
    parts = given[: len(cells[0].state_sizes)]
    for name, part in zip(("initial_h", "initial_c"), parts, strict=False):
        shape = (len(cells), batch, cells[0].hidden_size)
        expected = (shape[1], shape[0], shape[2]) if batch_first else shape
        if part is not None and part.shape != expected:
            raise ValueError(f"its {name} has shape {part.shape}; expected {expected}")
    if all(part is None for part in parts):
        return None
    axis = 1 if batch_first else 0
    return tuple(
        None if part is None else np.ascontiguousarray(np.take(part, d, axis=axis))
        for d in range(len(cells))
        for part in parts
    )


def _by_direction(y: Array | None, directions: int, batch_first: bool) -> Array | None:
    """Return the outputs, which lie side by side, with an axis of directions."""
    if y is None:
        return None
    apart = y.reshape(*y.shape[:2], directions, y.shape[2] // directions)
    return apart if batch_first else apart.transpose(0, 2, 1, 3)


_ATTRIBUTES = {
    "hidden_size": "int",
    "direction": "string",
    "activations": "strings",
    "activation_alpha": "floats",
    "activation_beta": "floats",
    "clip": "float",
    "layout": "int",
}
OPERATORS: dict[str, Operator] = {
    "LSTM": Operator(run, (3, 8), 3, _ATTRIBUTES | {"input_forget": "int"}, prepare),
    "GRU": Operator(run, (3, 6), 2, _ATTRIBUTES | {"linear_before_reset": "int"}, prepare),
    "RNN": Operator(run, (3, 6), 2, _ATTRIBUTES, prepare),
}
