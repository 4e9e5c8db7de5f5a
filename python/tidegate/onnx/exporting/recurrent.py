"""LSTM, GRU, SimpleRNN and Bidirectional as the operators LSTM, GRU and RNN.

A layer is batch first, an operator (T, B, I) to Y (T, D, B, H), Y_h and Y_c (D, B, H): a Transpose
stands on either side. (layout=1 would do without; ONNX Runtime does not have it.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tidegate.layers import Bidirectional
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.onnx.exporting.writer import LENGTHS, GraphWriter, Value
from tidegate.weights import OnnxRNN, to_onnx

_BACKWARDS = {"starts": [-1], "ends": [np.iinfo(np.int64).min], "axes": [1], "steps": [-1]}


@dataclass(frozen=True)
class Outputs:
    """Names of the outputs of an operator, and how wide all directions of Y are together."""

    y: str
    final: list[str]  # Y_h and, of an LSTM, Y_c
    width: int


def check_layer(layer: RecurrentLayer) -> None:
    """Raise if a layer does at inference what no operator of ONNX does."""
    if layer.stateful:
        raise ValueError(
            "stateful is True; expected False (in a Model, return_state=True and initial_state= "
            "hand states on)"
        )
    if layer.noise.zoneout:
        raise ValueError(
            f"zoneout is {layer.noise.zoneout:g}, which blends h with h_prev at inference too; "
            "expected 0"
        )


def write_recurrent(
    writer: GraphWriter, layer: RecurrentLayer, values: Sequence[Value]
) -> tuple[Value, ...]:
    """Return the output of a layer and, with return_state, its final states."""
    check_layer(layer)
    x, *states = values
    direction = "reverse" if layer.go_backwards else "forward"
    made = to_onnx(layer.cell_weights, direction=direction)
    if states and x.masked:
        raise ValueError("initial_state comes together with lengths; expected one of them")
    initial = [writer.node("Unsqueeze", [s.name, writer.constant([0])]) for s in states]
    out = _operator(writer, made, _time_first(writer, x), initial)
    final = [writer.node("Squeeze", [name, writer.constant([0])]) for name in out.final]
    if layer.return_sequences:
        y = writer.node("Squeeze", [out.y, writer.constant([1])])
        value = replace(x, name=writer.node("Transpose", [y], perm=[1, 0, 2]), dtype=layer.dtype)
        holds = x.masked and not layer.zero_output_for_mask and not layer.go_backwards
        if holds:  # the last valid output is repeated
            steps = writer.node("Unsqueeze", [writer.valid_steps(value), writer.constant([2])])
            last = writer.node("Unsqueeze", [final[0], writer.constant([1])])
            value = replace(value, name=writer.node("Where", [steps, value.name, last]))
        if layer.go_backwards:
            ends = [writer.constant(_BACKWARDS[k]) for k in ("starts", "ends", "axes", "steps")]
            value = replace(writer.apply("Slice", value, *ends), masked=x.masked and "reversed")
    else:
        value = Value(final[0], 2, layer.dtype)
    if not layer.return_state:
        return (value,)
    return (value, *(Value(name, 2, layer.dtype) for name in final))


def write_bidirectional(writer: GraphWriter, layer: Bidirectional, x: Value) -> Value:
    """Return the merged output of both directions."""
    parts = layer.recurrent_parts()
    for part in parts:
        check_layer(part)
    entry = _time_first(writer, x)
    try:
        made = [to_onnx([part.cell_weights for part in parts])]
    except ValueError:  # they do not go together: an operator each
        made = [
            to_onnx(part.cell_weights, direction=direction)
            for part, direction in zip(parts, ("forward", "reverse"), strict=True)
        ]
    outs = [_operator(writer, one, entry, []) for one in made]
    rank = 3 if layer.return_sequences else 2
    if layer.merge_mode == "concat":
        name = _side_by_side(writer, outs, layer.return_sequences)
    else:
        f, b = _apart(writer, outs, layer.return_sequences)
        name = writer.node("Mul" if layer.merge_mode == "mul" else "Add", [f, b])
        if layer.merge_mode == "ave":
            name = writer.node("Mul", [name, writer.constant(0.5, layer.dtype)])
    return Value(name, rank, layer.dtype, x.masked if layer.return_sequences else "")


def _time_first(writer: GraphWriter, x: Value) -> tuple[str, str]:
    """Return X (T, B, I), and the lengths or "" where there are none."""
    if x.masked == "reversed":
        raise ValueError(
            "it follows go_backwards=True with lengths, where padding comes first; expected "
            "padding at the end (Bidirectional keeps it there)"
        )
    return writer.node("Transpose", [x.name], perm=[1, 0, 2]), LENGTHS if x.masked else ""


def _operator(
    writer: GraphWriter, made: OnnxRNN, entry: tuple[str, str], initial: list[str]
) -> Outputs:
    """Add one LSTM, GRU or RNN node."""
    x, lengths = entry
    inputs = [x, writer.weight("W", made.W), writer.weight("R", made.R)]
    inputs.append("" if made.B is None else writer.weight("B", made.B))
    inputs += [lengths, *initial]
    if made.P is not None:
        inputs += [""] * (7 - len(inputs)) + [writer.weight("P", made.P)]
    while not inputs[-1]:
        inputs.pop()
    outputs = 3 if made.op_type == "LSTM" else 2
    y, *final = writer.node(made.op_type, inputs, outputs, **made.attributes)
    return Outputs(y, final, made.R.shape[0] * made.R.shape[2])


def _side_by_side(writer: GraphWriter, outs: list[Outputs], sequences: bool) -> str:
    """Return (B, T, 2H) or (B, 2H)."""
    parts = []
    for out in outs:
        if sequences:
            apart = writer.node("Transpose", [out.y], perm=[2, 0, 1, 3])
            shape = writer.constant([0, 0, out.width])
        else:
            apart = writer.node("Transpose", [out.final[0]], perm=[1, 0, 2])
            shape = writer.constant([0, out.width])
        parts.append(writer.node("Reshape", [apart, shape]))
    return str(parts[0] if len(parts) == 1 else writer.node("Concat", parts, axis=-1))


def _apart(writer: GraphWriter, outs: list[Outputs], sequences: bool) -> list[str]:
    """Return the outputs of the two directions, (B, T, H) or (B, H) each."""
    found: list[Any] = []
    axis = 1 if sequences else 0
    for out in outs:
        name = out.y if sequences else out.final[0]
        for d in range(2 if len(outs) == 1 else 1):
            one = writer.node("Gather", [name, writer.constant(d)], axis=axis)
            if sequences:
                one = writer.node("Transpose", [one], perm=[1, 0, 2])
            found.append(one)
    return found
