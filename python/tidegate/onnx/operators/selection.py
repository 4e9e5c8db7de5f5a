"""Operators that take arrays apart, put them together, or make them."""

from typing import Any

import numpy as np

from tidegate.layers.types import Array
from tidegate.onnx.operators.node import Node, Operator, axis_of, integers, limited, same_dtype

# The element types that are computed with, by their numbers in TensorProto.
DTYPES: dict[int, Any] = {
    1: np.dtype(np.float32),
    2: np.dtype(np.uint8),
    3: np.dtype(np.int8),
    4: np.dtype(np.uint16),
    5: np.dtype(np.int16),
    6: np.dtype(np.int32),
    7: np.dtype(np.int64),
    9: np.dtype(np.bool_),
    11: np.dtype(np.float64),
    12: np.dtype(np.uint32),
    13: np.dtype(np.uint64),
}


def _gather(node: Node, x: Array, indices: Array) -> Array:
    axis = axis_of(node.get("axis", 0), x.ndim)
    if indices.dtype.kind != "i":
        raise ValueError(f"its indices have dtype {indices.dtype}; expected int32 or int64")
    size = x.shape[axis]
    if indices.size and (indices.min() < -size or indices.max() >= size):
        wrong = indices[(indices < -size) | (indices >= size)].flat[0]
        raise ValueError(f"it has the index {wrong}; expected {-size}..{size - 1}")
    limited((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x, indices)
    y: Array = np.take(x, indices, axis=axis)
    return y


def _stretch(start: int, end: int, step: int, size: int) -> slice:
    """Return what ONNX means on an axis: ends beyond it are cut off, -size-1 is before 0."""
    start, end = (n + size if n < 0 else n for n in (start, end))
    if step > 0:
        return slice(min(max(start, 0), size), min(max(end, 0), size), step)
    end = min(max(end, -1), size - 1)
    return slice(min(max(start, 0), size - 1), None if end < 0 else end, step)


def _slice(
    node: Node,
    x: Array,
    starts: Array,
    ends: Array,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    first, last = integers(starts, "starts"), integers(ends, "ends")
    where = list(range(len(first))) if axes is None else integers(axes, "axes")
    stride = [1] * len(first) if steps is None else integers(steps, "steps")
    if not len(first) == len(last) == len(where) == len(stride) or 0 in stride:
        raise ValueError("its starts, ends, axes and steps do not go together")
    parts = [slice(None)] * x.ndim
    for start, end, axis, step in zip(first, last, where, stride, strict=True):
        parts[axis] = _stretch(start, end, step, x.shape[axis_of(axis, x.ndim)])
    return x[tuple(parts)]


def _concat(node: Node, *parts: Array) -> Array:
    same_dtype(*parts)
    return np.concatenate(parts, axis=axis_of(node.get("axis", 0), parts[0].ndim))


def _split(node: Node, x: Array, sizes: Array | None = None) -> tuple[Array, ...]:
    axis = axis_of(node.get("axis", 0), x.ndim)
    whole, count = x.shape[axis], len(node.outputs)
    listed = node.get("split") if sizes is None else integers(sizes, "sizes")
    if listed is None:
        each = -(-whole // count)
        listed = [max(min(each, whole - k * each), 0) for k in range(count)]
    if len(listed) != count or any(n < 0 for n in listed) or sum(listed) != whole:
        raise ValueError(f"its sizes are {list(listed)}; expected {count} that add up to {whole}")
    return tuple(np.split(x, np.cumsum(listed)[:-1], axis=axis))


def _constant(node: Node) -> Array:
    for name, dtype in (("value_float", "f4"), ("value_floats", "f4"), ("value_int", "i8")):
        if name in node.attributes:
            return np.array(node.attributes[name], dtype)
    if "value_ints" in node.attributes:
        return np.array(node.attributes["value_ints"], np.int64)
    if "value" not in node.attributes:
        raise ValueError("it has no value that is an array of numbers")
    value: Array = node.attributes["value"]
    return value


def _constant_of_shape(node: Node, shape: Array) -> Array:
    sizes = integers(shape, "sizes")
    if any(size < 0 for size in sizes):
        raise ValueError(f"its shape is {sizes}; expected sizes >= 0")
    value = node.get("value", np.zeros(1, np.float32))
    if value.size != 1:
        raise ValueError(f"its value has {value.size} elements; expected one")
    return np.full(limited(sizes), value.reshape(()), value.dtype)


def _cast(node: Node, x: Array) -> Array:
    dtype = DTYPES.get(node.get("to", 0))
    if dtype is None:
        raise ValueError(
            f"it casts to the type {node.get('to')}; expected float32, float64, "
            "an integer type or bool"
        )
    return x.astype(dtype)


def _range(node: Node, start: Array, limit: Array, delta: Array) -> Array:
    same_dtype(start, limit, delta)
    if not start.size == limit.size == delta.size == 1 or not delta.all():
        raise ValueError("its start, limit and delta are no three numbers, the last not 0")
    first, last, step = (array.reshape(()) for array in (start, limit, delta))
    count = np.ceil((float(last) - float(first)) / float(step))
    limited([int(max(count, 0))])
    y: Array = (first + np.arange(max(int(count), 0)) * step).astype(start.dtype)
    return y


_VALUES = {"value": "tensor", "value_float": "float", "value_floats": "floats"}
_VALUES |= {"value_int": "int", "value_ints": "ints"}
OPERATORS: dict[str, Operator] = {
    "Gather": Operator(_gather, (2, 2), attributes={"axis": "int"}),
    "Slice": Operator(_slice, (3, 5)),
    "Concat": Operator(_concat, (1, None), attributes={"axis": "int"}),
    "Split": Operator(
        _split, (1, 2), 2**15, {"axis": "int", "split": "ints", "num_outputs": "int"}
    ),
    "Constant": Operator(_constant, (0, 0), attributes=_VALUES),
    "ConstantOfShape": Operator(_constant_of_shape, attributes={"value": "tensor"}),
    "Cast": Operator(_cast, attributes={"to": "int", "saturate": "int"}),
    "Range": Operator(_range, (3, 3)),
}
