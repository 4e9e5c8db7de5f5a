"""ReduceMean, ReduceMax, ReduceMin, ReduceProd and ReduceSum."""

from typing import Any

import numpy as np

from tidegate.layers.types import Array, Dtype
from tidegate.onnx.operators.node import Node, Operator, axes_of


def _end(dtype: Dtype, lowest: bool) -> Any:
    """Return the smallest or largest value of a dtype: the maximum or minimum of nothing."""
    if dtype.kind == "f":
        return -np.inf if lowest else np.inf
    if dtype.kind == "b":
        return not lowest
    ends = np.iinfo(dtype)
    return ends.min if lowest else ends.max


def _reduction(function: Any) -> Operator:
    def run(node: Node, x: Array, axes: Array | None = None) -> Array:
        chosen = axes_of(node, axes, x.ndim)
        if not chosen:  # no axes: all of them, or none
            if node.get("noop_with_empty_axes", 0):
                return x
            chosen = tuple(range(x.ndim))
        options: dict[str, Any] = {"keepdims": bool(node.get("keepdims", 1))}
        if function in (np.max, np.min) and not x.size:
            options["initial"] = _end(x.dtype, lowest=function is np.max)
        y = function(x, axis=chosen, **options)
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
