"""A case as an ONNX model, for the engines that read ONNX."""

from typing import Any

import numpy as np

from tidegate._arrays import FloatArray
from tidegate.bench.case import Case
from tidegate.bench.problem import STATES, Arrays, Problem
from tidegate.weights import CellWeights, to_onnx

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
    for layer, cells in enumerate(problem.cell_weights()):
        x = "x" if layer == 0 else graph.add_joined(case, f"y{layer - 1}")
        graph.add_layer(problem, cells, x, "y" if layer == last else f"y{layer}")
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

    def add_layer(self, problem: Problem, cells: list[CellWeights], x: str, y: str) -> None:
        """Add the operator of a layer, from x (T, B, I) to y (T, D, B, H)."""
        case, made = problem.case, to_onnx(cells)
        inputs = [x]
        for name in ("W", "R", "B"):
            inputs.append(self.constant(f"{name} of {y}", getattr(made, name)))
        if problem.lengths is not None:
            inputs.append(self.constant(f"lengths of {y}", problem.lengths.astype(np.int32)))
        if case.continues:
            inputs += ["", *STATE_NAMES[: STATES[case.cell.cell]]]
        if made.P is not None:
            inputs += [""] * (7 - len(inputs))
            inputs.append(self.constant(f"P of {y}", made.P))
        self.add(made.op_type, inputs, y, **made.attributes)

    def add_joined(self, case: Case, y: str) -> str:
        """Add what brings the output of a layer to (T, B, D*H), the input of the next."""
        if case.directions == 1:
            axis = self.constant(f"axis of {y}", np.array([1]))
            return self.add("Squeeze", [y, axis], f"{y} joined")
        turned = self.add("Transpose", [y], f"{y} turned", perm=[0, 2, 1, 3])
        shape = np.array([case.steps, case.batch, case.directions * case.hidden])
        return self.add("Reshape", [turned, self.constant(f"shape of {y}", shape)], f"{y} joined")
