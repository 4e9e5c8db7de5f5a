"""A case as an ONNX model, for the engines that read ONNX."""

from typing import Any

import numpy as np

from tidegate._arrays import FloatArray
from tidegate.bench.case import Case
from tidegate.bench.problem import STATES, Arrays, Problem

OPERATORS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
# ONNX's gates by their place in ours: i o f c of i f g o, z r h of r z n; peepholes i o f of i f o.
GATE_ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2), "rnn": (0,)}
PEEPHOLE_ORDER = (0, 2, 1)
STATE_NAMES = ("h0", "c0")
OPSET, IR_VERSION = 17, 8


def onnx_model(problem: Problem) -> bytes:
    """Return a serialized model: the inputs of `onnx_inputs`, the output "y" (T, D, B, H).

    That is the layout of ONNX's operators; only between layers it becomes (T, B, D*H).
    """
    from onnx import checker, helper

    case = problem.case
    tensor = helper.np_dtype_to_tensor_dtype(np.dtype(case.dtype))
    graph = _Graph()
    last = case.layers - 1
    for layer, directions in enumerate(problem.layers):
        x = "x" if layer == 0 else graph.add_joined(case, f"y{layer - 1}")
        graph.add_layer(problem, directions, x, "y" if layer == last else f"y{layer}")
    made = helper.make_graph(
        graph.nodes,
        case.kind,
        [
            helper.make_tensor_value_info(name, tensor, array.shape)
            for name, array in onnx_inputs(problem).items()
        ],
        [helper.make_tensor_value_info("y", tensor, output_shape(case))],
        graph.initializers,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(made, opset_imports=[opset], ir_version=IR_VERSION)
    checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


def onnx_inputs(problem: Problem) -> Arrays:
    """Return x, and h0 and c0 (1, B, H) of a case that starts from a given state."""
    state = zip(STATE_NAMES, problem.state, strict=False)
    return {"x": problem.x} | {name: part[None] for name, part in state}


def from_onnx(y: FloatArray) -> FloatArray:
    """Return an output (T, D, B, H) as (T, B, D*H)."""
    steps, directions, batch, hidden = y.shape
    joined: FloatArray = y.transpose(0, 2, 1, 3).reshape(steps, batch, directions * hidden)
    return joined


def output_shape(case: Case) -> tuple[int, int, int, int]:
    """Return the shape of the output."""
    return case.steps, case.directions, case.batch, case.hidden


class _Graph:
    """Nodes and initializers, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def add(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output; return the name of that."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: np.ndarray[Any, Any]) -> str:
        """Add an initializer; return its name."""
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add_layer(self, problem: Problem, directions: list[Arrays], x: str, y: str) -> None:
        """Add the operator of a layer, from x (T, B, I) to y (T, D, B, H)."""
        case = problem.case
        order = GATE_ORDER[case.cell.cell]
        weights = {
            "W": [_reordered(a["weight_ih"], order) for a in directions],
            "R": [_reordered(a["weight_hh"], order) for a in directions],
            "B": [
                np.concatenate([_reordered(a[b], order) for b in ("bias_ih", "bias_hh")])
                for a in directions
            ],
        }
        inputs = [x]
        for name, arrays in weights.items():
            inputs.append(self.constant(f"{name} of {y}", np.stack(arrays)))
        if problem.lengths is not None:
            inputs.append(self.constant(f"lengths of {y}", problem.lengths.astype(np.int32)))
        if case.continues:
            inputs += ["", *STATE_NAMES[: STATES[case.cell.cell]]]
        if case.cell.peephole:
            peepholes = [a["peephole"][list(PEEPHOLE_ORDER)].reshape(-1) for a in directions]
            inputs += [""] * (7 - len(inputs))
            inputs.append(self.constant(f"P of {y}", np.stack(peepholes)))
        self.add(OPERATORS[case.cell.cell], inputs, y, **_attributes(case))

    def add_joined(self, case: Case, y: str) -> str:
        """Add what brings the output of a layer to (T, B, D*H), the input of the next."""
        if case.directions == 1:
            axis = self.constant(f"axis of {y}", np.array([1]))
            return self.add("Squeeze", [y, axis], f"{y} joined")
        turned = self.add("Transpose", [y], f"{y} turned", perm=[0, 2, 1, 3])
        shape = np.array([case.steps, case.batch, case.directions * case.hidden])
        return self.add("Reshape", [turned, self.constant(f"shape of {y}", shape)], f"{y} joined")


def _attributes(case: Case) -> dict[str, Any]:
    """Return the attributes of the operator."""
    kind = case.cell
    attributes: dict[str, Any] = {
        "hidden_size": case.hidden,
        "direction": "bidirectional" if case.bidirectional else "forward",
    }
    if kind.cell == "gru":
        attributes["linear_before_reset"] = int(kind.reset_after)
    if kind.activation != "tanh":
        other = kind.activation.capitalize()
        one = {"lstm": ["Sigmoid", other, other], "gru": ["Sigmoid", other], "rnn": [other]}
        attributes["activations"] = one[kind.cell] * case.directions
    return attributes


def _reordered(rows: FloatArray, order: tuple[int, ...]) -> FloatArray:
    """Return an array (G*H, ...) with its gates in another order."""
    gates = np.split(rows, len(order))
    return np.concatenate([gates[place] for place in order])
