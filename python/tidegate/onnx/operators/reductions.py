"""ReduceMean, ReduceMax, ReduceMin, ReduceProd and ReduceSum."""

from typing import Any

import numpy as np

from tidegate.layers.types import Array
from tidegate.onnx.operators.node import Node, Operator, axes_of


def _reduction(function: Any) -> Operator:
    def run(node: Node, x: Array, axes: Array | None = None) -> Array:
        chosen = axes_of(node, axes, x.ndim)
        if not chosen:  # no axes: all of them, or none
            if node.get("noop_with_empty_axes", 0):
                return x
            chosen = tuple(range(x.ndim))
        y = function(x, axis=chosen, keepdims=bool(node.get("keepdims", 1)))
        return np.asarray(y).astype(x.dtype, copy=False)

    known = {"axes": "ints", "keepdims": "int", "noop_with_empty_axes": "int"}
    return Operator(run, (1, 2), attributes=known)


OPERATORS: dict[str, Operator] = {
    "ReduceMean": _reduction(np.mean),
    "ReduceMax": _reduction(np.max),
    "ReduceMin": _reduction(np.min),
    "ReduceProd": _reduction(np.prod),
    "ReduceSum": _reduction(np.sum),
}
