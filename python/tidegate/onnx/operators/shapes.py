"""Operators on shapes: what the arrays hold stays."""

import numpy as np

from tidegate.layers.types import Array
from tidegate.onnx.operators.node import Node, Operator, axes_of, axis_of, integers, limited


def _transpose(node: Node, x: Array) -> Array:
    perm = node.get("perm", list(range(x.ndim))[::-1])
    if sorted(perm) != list(range(x.ndim)):
        raise ValueError(f"its perm is {list(perm)}; expected all axes of shape {x.shape}")
    y: Array = x.transpose(perm)
    return y


def _squeeze(node: Node, x: Array, axes: Array | None = None) -> Array:
    chosen = axes_of(node, axes, x.ndim)
    if chosen is None:
        chosen = tuple(axis for axis, size in enumerate(x.shape) if size == 1)
    if any(x.shape[axis] != 1 for axis in chosen):
        raise ValueError(f"its axes are {chosen} of shape {x.shape}; expected axes of size 1")
    return np.squeeze(x, chosen)


def _unsqueeze(node: Node, x: Array, axes: Array | None = None) -> Array:
    count = len(node.get("axes", ()) if axes is None else axes.reshape(-1))
    if x.ndim + count > 32:
        raise ValueError(f"its result would have {x.ndim + count} axes")
    return np.expand_dims(x, axes_of(node, axes, x.ndim + count) or ())


def _reshape(node: Node, x: Array, shape: Array) -> Array:
    sizes = integers(shape, "sizes")
    if not node.get("allowzero", 0):
        if any(size == 0 and k >= x.ndim for k, size in enumerate(sizes)):
            raise ValueError(f"its shape is {sizes}, of which 0 stands for no axis of {x.shape}")
        sizes = [x.shape[k] if size == 0 else size for k, size in enumerate(sizes)]
    if any(size < -1 for size in sizes) or len(sizes) > 32:
        raise ValueError(f"its shape is {sizes}")
    return x.reshape(sizes)


def _flatten(node: Node, x: Array) -> Array:
    axis = node.get("axis", 1)
    axis = axis if axis == x.ndim else axis_of(axis, x.ndim)
    return x.reshape(int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:])))


def _shape(node: Node, x: Array) -> Array:
    return np.array(x.shape[node.get("start", 0) : node.get("end")], np.int64)


def _size(node: Node, x: Array) -> Array:
    return np.array(x.size, np.int64)


def _expand(node: Node, x: Array, shape: Array) -> Array:
    sizes = integers(shape, "sizes")
    if any(size < 0 for size in sizes):
        raise ValueError(f"its shape is {sizes}; expected sizes >= 0")
    return np.broadcast_to(x, limited(np.broadcast_shapes(x.shape, sizes), x))


def _tile(node: Node, x: Array, repeats: Array) -> Array:
    counts = integers(repeats, "repeats")
    if len(counts) != x.ndim or any(count < 0 for count in counts):
        raise ValueError(f"its repeats are {counts}; expected one >= 0 for each axis of {x.shape}")
    limited([n * count for n, count in zip(x.shape, counts, strict=True)], x)
    return np.tile(x, counts)


OPERATORS: dict[str, Operator] = {
    "Transpose": Operator(_transpose, attributes={"perm": "ints"}),
    "Squeeze": Operator(_squeeze, (1, 2), attributes={"axes": "ints"}),
    "Unsqueeze": Operator(_unsqueeze, (1, 2), attributes={"axes": "ints"}),
    "Reshape": Operator(_reshape, (2, 2), attributes={"allowzero": "int"}),
    "Flatten": Operator(_flatten, attributes={"axis": "int"}),
    "Shape": Operator(_shape, attributes={"start": "int", "end": "int"}),
    "Size": Operator(_size),
    "Expand": Operator(_expand, (2, 2)),
    "Tile": Operator(_tile, (2, 2)),
}
