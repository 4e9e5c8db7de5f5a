"""GraphWriter: collects the nodes and weights of an ONNX graph."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tidegate._extras import require
from tidegate.layers.base import Layer
from tidegate.layers.types import Array, Dtype

LENGTHS = "lengths"  # the name of the input with the valid steps of each sequence


@dataclass(frozen=True)
class Value:
    """An array in the graph.

    Attributes
    ----------
    name : str
    rank : int
        Axes, with that of the batch.
    dtype : dtype
    masked : str
        "" where every step counts; "lengths" where the steps after those do not; "reversed" where
        these come first.
    """

    name: str
    rank: int
    dtype: Dtype
    masked: str = ""


class GraphWriter:
    """Nodes in the order in which they run.

    Attributes
    ----------
    nodes, initializers : lists of NodeProto and TensorProto
    where : str
        The layer that is written now: names begin with it.
    """

    def __init__(self) -> None:
        self.helper = require("onnx.helper", extra="onnx", purpose="export")
        self._numpy_helper = require("onnx.numpy_helper", extra="onnx", purpose="export")
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.where = "model"
        self._constants: dict[tuple[Any, ...], str] = {}
        self._taken: set[str] = set()

    def type_of(self, dtype: Any) -> int:
        """Return the element type of TensorProto."""
        return int(self.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def _unique(self, name: str) -> str:
        candidate, count = f"{self.where}/{name}", 1
        while candidate in self._taken:
            candidate, count = f"{self.where}/{name}_{count}", count + 1
        self._taken.add(candidate)
        return candidate

    def weight(self, name: str, array: Array) -> str:
        """Add an initializer; return its name."""
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} is not finite")
        full = self._unique(name)
        tensor = self._numpy_helper.from_array(np.asarray(array, order="C"), full)
        self.initializers.append(tensor)
        return full

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Return the name of a small constant, the same one for equal values."""
        array = np.asarray(value, dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            before, self.where = self.where, "constants"
            self._constants[key] = self.weight("value", array)
            self.where = before
        return self._constants[key]

    def node(self, op: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; return the name of its output, or a list of several."""
        name = self._unique(op)
        names = [self._unique(f"{op}_output") for _ in range(outputs)]
        self.nodes.append(self.helper.make_node(op, inputs, names, name=name, **attributes))
        return names[0] if outputs == 1 else names

    def apply(self, op: str, value: Value, *others: str, **attributes: Any) -> Value:
        """Add a node that keeps the shape of its first input."""
        return replace(value, name=self.node(op, [value.name, *others], **attributes))

    def cast(self, value: Value, dtype: Dtype) -> Value:
        """Return a value in another dtype."""
        if value.dtype == dtype:
            return value
        name = self.node("Cast", [value.name], to=self.type_of(dtype))
        return replace(value, name=name, dtype=dtype)

    def parameter(self, layer: Layer, name: str) -> str:
        """Add a parameter of a layer."""
        found = {p.name.rpartition("/")[2]: p.value for p in layer.parameters}
        return self.weight(name, found[name])

    def valid_steps(self, value: Value) -> str:
        """Return (B, T) of bool for a value (B, T, ...): the steps that count."""
        shape = self.node("Shape", [value.name])
        steps = self.node("Gather", [shape, self.constant(1)], axis=0)
        places = self.node("Range", [self.constant(0), steps, self.constant(1)])
        lengths = self.node("Cast", [LENGTHS], to=self.type_of(np.int64))
        column = self.node("Unsqueeze", [lengths, self.constant([1])])
        return str(self.node("Less", [places, column]))
