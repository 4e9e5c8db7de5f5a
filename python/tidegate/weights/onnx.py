"""Weights as the operators LSTM, GRU and RNN of ONNX take them, D directions in one array.

W (D, G*H, I), R (D, G*H, H), B (D, 2*G*H) = [Wb, Rb], P (D, 3*H); gates i o f c and z r h.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tidegate._arrays import FloatArray, check_choice
from tidegate.weights import onnx_attributes
from tidegate.weights.cell_weights import CellWeights
from tidegate.weights.foreign import array_of, check_holds, check_weights, options_of, with_retain
from tidegate.weights.gate_orders import (
    ONNX,
    ONNX_PEEPHOLES,
    gates_of,
    peepholes_of,
    reordered,
)

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}
OPERATORS = {cell: operator for operator, cell in CELLS.items()}
_HELD = ("diagonal peepholes", 'coupled="forget"', "clip", "reset_after=True", "reset_after=False")


@dataclass(frozen=True)
class OnnxRNN:
    """A recurrent operator of ONNX: what `onnx.helper.make_node` and initializers need.

    Attributes
    ----------
    op_type : {"LSTM", "GRU", "RNN"}
    W : (D, G*H, I) array
    R : (D, G*H, H) array
    B : (D, 2*G*H) array, or None
    P : (D, 3*H) array, or None
        Of an LSTM with peepholes.
    attributes : dict
        hidden_size, direction, and what is not the operator's default.
    """

    op_type: str
    W: FloatArray
    R: FloatArray
    B: FloatArray | None = None
    P: FloatArray | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def from_onnx(
    op_type: str,
    W: Any,
    R: Any,
    B: Any = None,
    P: Any = None,
    *,
    attributes: Mapping[str, Any] | None = None,
) -> tuple[CellWeights, ...]:
    """Return the cells of an LSTM, GRU or RNN operator, one per direction; bit for bit.

    Parameters
    ----------
    op_type : {"LSTM", "GRU", "RNN"}
    W : (D, G*H, I) array
    R : (D, G*H, H) array
    B : (D, 2*G*H) array, optional
    P : (D, 3*H) array, optional
        LSTM only.
    attributes : mapping, optional
        Of the node; strings may be bytes. activations with activation_alpha and activation_beta,
        clip, input_forget and linear_before_reset become options of the cells; direction must
        agree with D; layout concerns the caller.

    Returns
    -------
    tuple of CellWeights
        Of D = 1 or 2 directions. Whether a single one runs in reverse, `direction` says.

    Raises
    ------
    ValueError
        An unknown operator, attribute or activation, shapes that disagree.
    TypeError
        An array that is not float32 or float64.

    Examples
    --------
    >>> (w,) = from_onnx("GRU", np.ones((1, 12, 3)), np.ones((1, 12, 4)))
    >>> w.reset_after
    False
    """
    where = "from_onnx"
    check_choice(where, "op_type", op_type, tuple(CELLS))
    cell = CELLS[op_type]
    arrays = {"W": W, "R": R, "B": B, "P": P}
    read = {n: array_of(where, n, a) for n, a in arrays.items() if a is not None}
    directions = _check_shapes(where, cell, read)
    options = onnx_attributes.options_from(
        where, op_type, directions, read["R"].shape[2], attributes or {}
    )
    return tuple(
        CellWeights(cell, **_cell_arrays(cell, given.get("coupled"), read, d), **given)
        for d, given in enumerate(options)
    )


def _check_shapes(where: str, cell: str, read: dict[str, FloatArray]) -> int:
    """Return D; raise if a shape does not follow from R's."""
    for name in ("W", "R"):
        if read[name].ndim != 3:
            raise ValueError(
                f"{where}: {name} has shape {read[name].shape}; expected three axes, "
                f"(directions, {len(ONNX[cell])}*H, {'I' if name == 'W' else 'H'})."
            )
    directions, hidden = int(read["R"].shape[0]), read["R"].shape[2]
    inputs, rows = read["W"].shape[2], len(ONNX[cell]) * hidden
    expected = {
        "W": (directions, rows, inputs),
        "R": (directions, rows, hidden),
        "B": (directions, 2 * rows),
        "P": (directions, 3 * hidden),
    }
    for name, array in read.items():
        if array.shape != expected[name]:
            raise ValueError(
                f"{where}: {name} has shape {array.shape}; expected {expected[name]} for "
                f"{OPERATORS[cell]} with hidden size {hidden} and {directions} directions."
            )
    if "P" in read and cell != "lstm":
        raise ValueError(f"{where}: P is given; expected None for {OPERATORS[cell]} (LSTM only).")
    return directions


def _cell_arrays(
    cell: str, coupled: str | None, read: dict[str, FloatArray], d: int
) -> dict[str, Any]:
    """Return the arrays of one direction by our names."""
    wanted = gates_of(cell, coupled)
    made: dict[str, Any] = {
        "weight_ih": reordered(read["W"][d], ONNX[cell], wanted),
        "weight_hh": reordered(read["R"][d], ONNX[cell], wanted),
    }
    if "B" in read:
        halves = zip(("bias_ih", "bias_hh"), np.split(read["B"][d], 2), strict=True)
        made |= {name: reordered(half, ONNX[cell], wanted) for name, half in halves}
    if "P" in read:
        rows = reordered(read["P"][d], ONNX_PEEPHOLES, peepholes_of(coupled))
        made["peephole"] = rows.reshape(-1, read["R"].shape[2])
    return made


def to_onnx(
    weights: CellWeights | Sequence[CellWeights], *, direction: str | None = None, layout: int = 0
) -> OnnxRNN:
    """Return one cell, or the two of both directions, as an operator of ONNX; bit for bit.

    Parameters
    ----------
    weights : CellWeights, or a sequence of one or two
        Two are forward and reverse; they may differ in their activations only. A GRU with
        update="replace" gets its z rows negated. Where there is one bias, the other is zeros.
    direction : {"forward", "reverse", "bidirectional"}, optional
        "forward" for one and "bidirectional" for two if omitted.
    layout : {0, 1}
        Only noted in the attributes: 1 for batch first (opset 14 and later).

    Returns
    -------
    OnnxRNN
        ONNX keeps the numbers among its attributes, such as clip, in float32.

    Raises
    ------
    ValueError
        What the operators do not have: full peepholes, a projection, layer normalisation,
        coupled="input", cell_clip, output_clip; directions that do not go together.

    Examples
    --------
    >>> w = CellWeights("gru", np.ones((12, 3)), np.ones((12, 4)))
    >>> made = to_onnx(w)
    >>> made.op_type, made.W.shape, made.attributes["linear_before_reset"]
    ('GRU', (1, 12, 3), 1)
    """
    where = "to_onnx"
    cells = [weights] if isinstance(weights, CellWeights) else list(weights)
    if len(cells) not in (1, 2):
        raise ValueError(f"{where}: weights has {len(cells)} entries; expected one or two.")
    operator = OPERATORS[check_weights(where, cells[0]).cell]
    for w in cells:
        check_holds(where, check_weights(where, w), f"ONNX's {operator}", _HELD)
    _check_together(where, cells)
    first = cells[0]
    attributes = onnx_attributes.attributes_of(where, cells, direction, layout)
    arrays = [with_retain(where, w) for w in cells]
    return OnnxRNN(
        operator,
        np.stack([_theirs(first, a["weight_ih"]) for a in arrays]),
        np.stack([_theirs(first, a["weight_hh"]) for a in arrays]),
        _biases(first, arrays),
        _peepholes(first, arrays),
        attributes,
    )


def _check_together(where: str, cells: list[CellWeights]) -> None:
    """Raise if two directions cannot stand in one operator."""

    def shared(w: CellWeights) -> dict[str, Any]:
        places = ("activation", "recurrent_activation", "output_activation", "update")
        sizes = {"input_size": w.input_size, "hidden_size": w.hidden_size, "dtype": w.dtype}
        return {"cell": w.cell, **sizes, **options_of(w, without=places)}

    first, last = shared(cells[0]), shared(cells[-1])
    for name, value in first.items():
        if last[name] != value:
            raise ValueError(
                f"{where}: weights has {name} {value} forward and {last[name]} in reverse; "
                "expected the same (one operator runs both directions)."
            )


def _theirs(w: CellWeights, rows: FloatArray) -> FloatArray:
    """Return rows in ONNX's order; those of a coupled gate, which nothing reads, are zeros."""
    return reordered(rows, gates_of(w.cell, w.coupled), ONNX[w.cell])


def _biases(w: CellWeights, arrays: list[dict[str, FloatArray]]) -> FloatArray | None:
    """Return B, or None where no direction has a bias."""
    names = ("bias_ih", "bias_hh")
    if not any(name in a for a in arrays for name in names):
        return None
    zeros = np.zeros(len(w.weight_ih), w.dtype)
    return np.stack(
        [np.concatenate([_theirs(w, a.get(name, zeros)) for name in names]) for a in arrays]
    )


def _peepholes(w: CellWeights, arrays: list[dict[str, FloatArray]]) -> FloatArray | None:
    """Return P, or None where no direction has peepholes."""
    if not any("peephole" in a for a in arrays):
        return None
    given = peepholes_of(w.coupled)
    zeros = np.zeros((len(given), w.hidden_size), w.dtype)
    rows = [reordered(a.get("peephole", zeros), given, ONNX_PEEPHOLES) for a in arrays]
    return np.stack([row.reshape(-1) for row in rows])
