"""The arrays of one case: the same, seeded, for every engine."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate._arrays import FloatArray
from tidegate.bench.case import Case
from tidegate.weights import CellWeights

STATES = {"lstm": 2, "gru": 1, "rnn": 1}
Arrays = dict[str, FloatArray]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """What goes into one forward and one backward.

    Attributes
    ----------
    case : Case
    layers : list over the layers of list over the directions of dict
        weight_ih (G*H, I), weight_hh (G*H, H), bias_ih and bias_hh (G*H,), uniform in ±1/√H, and
        peephole (3, H) of an LSTM that has them: gates in the order i f g o, r z n, i f o.
    x : (T, B, I)
    state : tuple of (B, H)
        Before the first step, (h,) or (h, c), if the case continues a stream; else (), for zeros.
    dy : (T, B, D*H)
        Gradient of the loss by the output of the last layer.
    lengths : (B,) int64, or None
        Of a ragged case.
    """

    case: Case
    layers: list[list[Arrays]]
    x: FloatArray
    state: tuple[FloatArray, ...]
    dy: FloatArray
    lengths: IntArray | None = None

    @classmethod
    def of(cls, case: Case) -> "Problem":
        """Draw the arrays of a case."""
        rng = np.random.default_rng(0)

        def normal(width: int) -> FloatArray:
            drawn = rng.standard_normal((case.steps, case.batch, width), np.float32)
            return drawn.astype(case.dtype, copy=False)

        layers = [
            [_weights(rng, case, case.inputs_of(layer)) for _ in range(case.directions)]
            for layer in range(case.layers)
        ]
        states = STATES[case.cell.cell] if case.continues else 0
        return cls(
            case,
            layers,
            x=normal(case.inputs),
            state=tuple(0.5 * normal(case.hidden)[0] for _ in range(states)),
            dy=normal(case.directions * case.hidden),
            lengths=None if case.lengths is None else np.array(case.lengths, np.int64),
        )

    def cell_weights(self) -> list[list[CellWeights]]:
        """Return the weights as tidegate takes them, by layer and direction; arrays are shared."""
        kind = self.case.cell
        options: dict[str, Any] = {"activation": kind.activation, "reset_after": kind.reset_after}
        return [
            [CellWeights.view(kind.cell, **arrays, **options) for arrays in directions]
            for directions in self.layers
        ]

    def cells(self) -> Iterator[tuple[int, int, Arrays]]:
        """Yield layer, direction (0 forward, 1 reverse) and arrays of every cell."""
        for layer, directions in enumerate(self.layers):
            for direction, arrays in enumerate(directions):
                yield layer, direction, arrays


def _weights(rng: np.random.Generator, case: Case, inputs: int) -> Arrays:
    """Draw the weights of one cell."""
    hidden, rows = case.hidden, case.cell.gates * case.hidden
    shapes: dict[str, tuple[int, ...]] = {
        "weight_ih": (rows, inputs),
        "weight_hh": (rows, hidden),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
    }
    if case.cell.peephole:
        shapes["peephole"] = (3, hidden)
    bound = hidden**-0.5

    def uniform(shape: tuple[int, ...]) -> FloatArray:
        unit = rng.random(shape, np.float32).astype(case.dtype, copy=False)
        scaled: FloatArray = bound * (2 * unit - 1)
        return scaled.astype(case.dtype, copy=False)

    return {name: uniform(shape) for name, shape in shapes.items()}


def gradient_name(array: str, layer: int, direction: int) -> str:
    """Return the name of a weight's gradient in a result, such as "weight_hh, layer 0 reverse"."""
    return f"{array}, layer {layer}{' reverse' if direction else ''}"
