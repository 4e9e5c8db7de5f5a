"""Node: one operator of a graph, decoded; and what every operator needs to check its arguments."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tidegate.layers.types import Array

# Results may have this many elements whatever they are made from, and this many times the
# elements of what they are made from: a few bytes of a hostile file can ask for any number.
FREE_ELEMENTS = 2**26
GROWTH = 256


@dataclass(frozen=True)
class Node:
    """An operator, the names that it reads ("" where an input is omitted) and those it writes."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    opset: int = 22

    def __str__(self) -> str:
        """Return how messages call it."""
        label = self.name or next((name for name in self.outputs if name), "")
        return f"node {label!r} ({self.op})"

    def get(self, attribute: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.attributes.get(attribute, default)


# What computes an operator: node and inputs (None where omitted) to one output or a tuple.
Function = Callable[..., Any]


@dataclass(frozen=True)
class Operator:
    """How to run the nodes of one operator, and which nodes are right.

    Attributes
    ----------
    run : function of a node and its inputs, which are arrays or None
    inputs : least and most; the most is None where any number is right
    outputs : most
    attributes : what the node may have, name to kind: "int", "float", "ints", "floats", "string",
        "strings" or "tensor"
    prepare : function of a node and the constants of its graph, to a function of the inputs
    """

    run: Function
    inputs: tuple[int, int | None] = (1, 1)
    outputs: int = 1
    attributes: dict[str, str] = field(default_factory=dict)
    prepare: Function | None = None


def limited(shape: Sequence[int], *sources: Array | None) -> tuple[int, ...]:
    """Return the shape of a result, unless it is absurdly larger than what it is made from."""
    size = math.prod(int(n) for n in shape)
    made_from = sum(array.size for array in sources if array is not None)
    if size > max(FREE_ELEMENTS, GROWTH * made_from):
        raise ValueError(f"its result would have {size} elements, of {made_from} that it reads")
    return tuple(int(n) for n in shape)


def same_dtype(*arrays: Array) -> None:
    """Raise unless all arrays have one dtype: ONNX converts nothing by itself."""
    if len({array.dtype for array in arrays}) > 1:
        listed = ", ".join(str(array.dtype) for array in arrays)
        raise ValueError(f"its inputs have the dtypes {listed}; expected one")


def floating(array: Array) -> Array:
    """Return the array, which must be of floating numbers."""
    if array.dtype.kind != "f":
        raise ValueError(f"its input has dtype {array.dtype}; expected float32 or float64")
    return array


def integers(array: Array, what: str) -> list[int]:
    """Return an input that holds integers, such as axes or a shape, as a list."""
    if array.dtype.kind not in "iu" or array.ndim > 1:
        raise ValueError(
            f"its {what} have shape {array.shape} and dtype {array.dtype}; expected integers on "
            "one axis"
        )
    if array.size > np.iinfo(np.int16).max:
        raise ValueError(f"its {what} are {array.size} numbers")
    return [int(n) for n in array.reshape(-1)]


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from 0."""
    if not -rank <= axis < rank:
        raise ValueError(f"its axis is {axis}; expected one of an array of {rank} axes")
    return axis % rank


def axes_of(node: Node, given: Array | None, rank: int) -> tuple[int, ...] | None:
    """Return the axes of an input or, in older files, of an attribute; None if there are none."""
    listed = node.get("axes") if given is None else integers(given, "axes")
    if listed is None:
        return None
    axes = tuple(axis_of(axis, rank) for axis in listed)
    if len(set(axes)) < len(axes):
        raise ValueError(f"its axes are {list(listed)}; expected each once")
    return axes
