"""A graph as nodes in an order in which they run: everything in it is checked, nothing is run.

ONNX wants every name written once, and before it is read; so there are no cycles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tidegate.layers.types import Array, Dtype
from tidegate.onnx.loading.tensors import array_of
from tidegate.onnx.operators import OPERATORS, Node
from tidegate.onnx.operators.selection import DTYPES

OLDEST_OPSET = 7
MOST_NODES = 100_000
DEFAULT_DOMAINS = ("", "ai.onnx")
# Kind of attribute by AttributeProto's type, and the field that holds it.
_KINDS: dict[int, tuple[str, str]] = {
    1: ("float", "f"),
    2: ("int", "i"),
    3: ("string", "s"),
    4: ("tensor", "t"),
    6: ("floats", "floats"),
    7: ("ints", "ints"),
    8: ("strings", "strings"),
}


@dataclass(frozen=True)
class Entry:
    """An input or output: its name, element type and, where known, the sizes of its axes."""

    name: str
    dtype: Dtype
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class Graph:
    """What a model computes."""

    inputs: tuple[Entry, ...]
    outputs: tuple[Entry, ...]
    constants: dict[str, Array]
    nodes: tuple[Node, ...]


def graph_of(model: Any, folder: str | None = None) -> Graph:
    """Return the graph of a ModelProto.

    Raises
    ------
    ValueError
        Something is wrong, or is nothing that tidegate computes; the message names the node.
    """
    opset = _opset(model)
    if model.functions:
        raise ValueError(
            f"the model has the function {model.functions[0].name!r}; expected operators of ONNX "
            "only (onnx.inliner.inline_local_functions writes them out)"
        )
    graph = model.graph
    if graph.sparse_initializer:
        raise ValueError("the graph has a sparse initializer; expected dense ones")
    if len(graph.node) > MOST_NODES:
        raise ValueError(f"the graph has {len(graph.node)} nodes; expected {MOST_NODES} at most")
    constants: dict[str, Array] = {}
    for tensor in graph.initializer:
        _new_name(tensor.name, constants, "the initializer")
        constants[tensor.name] = array_of(tensor, folder)
    # A file of an old version lists its initializers among the inputs too.
    entries = [entry for entry in graph.input if entry.name not in constants]
    inputs = tuple(_entry(entry, "input") for entry in entries)
    known: dict[str, Any] = dict.fromkeys(constants)
    for entry in inputs:
        _new_name(entry.name, known, "the input")
        known[entry.name] = None
    nodes = []
    for proto in graph.node:
        node = _node(proto, opset, folder)
        _connect(node, known)
        nodes.append(node)
    outputs = tuple(_entry(entry, "output") for entry in graph.output)
    if not outputs:
        raise ValueError("the graph has no outputs")
    for entry in outputs:
        if entry.name not in known:
            raise ValueError(f"the output {entry.name!r} is written by no node")
    return Graph(inputs, outputs, constants, tuple(nodes))


def unsupported(model: Any) -> list[str]:
    """Return the operators of a model, by name, that tidegate does not compute."""
    found = {
        node.op_type if node.domain in DEFAULT_DOMAINS else f"{node.domain}.{node.op_type}"
        for node in model.graph.node
    }
    return sorted(name for name in found if name not in OPERATORS)


def _opset(model: Any) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in DEFAULT_DOMAINS]
    if len(versions) != 1:
        raise ValueError("the model names no version of ONNX's operators (opset_import)")
    if versions[0] < OLDEST_OPSET:
        raise ValueError(
            f"the model has opset {versions[0]}; expected {OLDEST_OPSET} or later "
            "(onnx.version_converter converts)"
        )
    return int(versions[0])


def _new_name(name: str, known: Any, what: str) -> None:
    if not name:
        raise ValueError(f"{what} has no name")
    if name in known:
        raise ValueError(f"{what} {name!r} has a name that something else has; expected it once")


def _entry(proto: Any, what: str) -> Entry:
    """Return an input or output, which must be a tensor."""
    tensor = proto.type.tensor_type
    if not proto.type.HasField("tensor_type"):
        raise ValueError(f"the {what} {proto.name!r} is no tensor")
    dtype = DTYPES.get(tensor.elem_type)
    if dtype is None:
        raise ValueError(
            f"the {what} {proto.name!r} has the element type {tensor.elem_type}; expected "
            "float32, float64, an integer type or bool"
        )
    if not tensor.HasField("shape"):
        return Entry(proto.name, dtype, None)
    sizes = [
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
        for dim in tensor.shape.dim
    ]
    return Entry(proto.name, dtype, tuple(sizes))


def _node(proto: Any, opset: int, folder: str | None) -> Node:
    """Return a node whose operator, numbers of inputs and outputs, and attributes are right."""
    label = proto.name or next((name for name in proto.output if name), "")
    where = f"node {label!r} ({proto.op_type})"
    operator = OPERATORS.get(proto.op_type) if proto.domain in DEFAULT_DOMAINS else None
    if operator is None:
        domain = f" of the domain {proto.domain!r}" if proto.domain else ""
        raise ValueError(
            f"{where}: the operator {proto.op_type}{domain} is not supported; expected one of "
            f"{', '.join(sorted(OPERATORS))}"
        )
    inputs = list(proto.input)
    while inputs and not inputs[-1]:
        inputs.pop()
    least, most = operator.inputs
    if len(inputs) < least or "" in inputs[:least] or (most is not None and len(inputs) > most):
        upto = "" if most == least else " or more" if most is None else f" to {most}"
        raise ValueError(f"{where}: it has {len(inputs)} inputs; expected {least}{upto}")
    if most is None and "" in inputs:
        raise ValueError(f"{where}: one of its inputs is omitted")
    outputs = list(proto.output)
    if not any(outputs) or len(outputs) > operator.outputs:
        raise ValueError(
            f"{where}: it has {len(outputs)} outputs; expected 1 to {operator.outputs}"
        )
    attributes: dict[str, Any] = {}
    for attribute in proto.attribute:
        if attribute.name in attributes:
            raise ValueError(f"{where}: the attribute {attribute.name!r} is there twice")
        attributes[attribute.name] = _attribute(where, attribute, operator.attributes, folder)
    return Node(proto.op_type, label, tuple(inputs), tuple(outputs), attributes, opset)


def _attribute(where: str, proto: Any, known: dict[str, str], folder: str | None) -> Any:
    kind = known.get(proto.name)
    if kind is None:
        listed = ", ".join(known) or "none"
        raise ValueError(f"{where}: it has the attribute {proto.name!r}; expected {listed}")
    found, field = _KINDS.get(proto.type, (f"type {proto.type}", ""))
    if found != kind or proto.ref_attr_name:
        raise ValueError(
            f"{where}: its attribute {proto.name!r} is of kind {found}; expected {kind}"
        )
    value = getattr(proto, field)
    read: dict[str, Callable[[Any], Any]] = {
        "tensor": lambda tensor: array_of(tensor, folder),
        "string": _text,
        "strings": lambda values: [_text(v) for v in values],
        "ints": list,
        "floats": list,
    }
    return read.get(kind, lambda plain: plain)(value)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _connect(node: Node, known: dict[str, Any]) -> None:
    """Raise unless the node reads what is there, and writes new names."""
    for name in node.inputs:
        if name and name not in known:
            raise ValueError(
                f"{node}: it reads {name!r}, which no input, initializer or node before it writes"
            )
    for name in node.outputs:
        if name:
            _new_name(name, known, f"{node}: the output")
            known[name] = None
