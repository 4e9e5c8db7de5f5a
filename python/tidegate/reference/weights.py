"""The arrays and options of one cell, as the reference sees them: float64 and checked.

    weight_ih (G*H, I)  weight_hh (G*H, P)  bias_ih, bias_hh (G*H,)  peephole (3, H) or (3, H, H)
    weight_hr (P, H); without it P, the width of h, is H    weight_cc (H, H)  bias_cc (H,)
    gamma_ih, gamma_hh (G*H,) and, of "lstm", gamma_c, beta_c (H,): all of them or none

The rows are blocks of H, one per gate: i f g o for "lstm", r z n for "gru"; peephole rows: i f o.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from .activations import ACTIVATIONS, Activation, Array, named

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
UPDATES = ("retain", "replace")
NORMS = ("gamma_ih", "gamma_hh", "gamma_c", "beta_c")
ARRAYS = (
    *("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
    *("peephole", "weight_hr", "weight_cc", "bias_cc"),
    *NORMS,
)


def widen(array: Any) -> Array:
    """Convert to float64; a longdouble stays one (finite differences use that)."""
    return np.asarray(array, dtype=np.result_type(array, np.float64))


@dataclass(frozen=True)
class Weights:
    """Weights of one cell, or the gradients by them (same shapes).

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}
        G = 4, 3 or 1 gates.
    weight_ih : (G*H, I)
        Input weights W.
    weight_hh : (G*H, P)
        Recurrent weights R; P is H without a projection.
    bias_ih, bias_hh : (G*H,), optional
        Input and recurrent bias; an absent one adds nothing.
    peephole : (3, H) or (3, H, H), optional
        Diagonal or full peepholes of an LSTM, rows i f o.
    weight_hr : (P, H), optional
        Projection of an LSTM's output: h = W_hr m.
    weight_cc : (H, H), bias_cc : (H,), optional
        LSTM only: its memory fades with time, see `tidegate.reference.memory`.
    gamma_ih, gamma_hh, gamma_c, beta_c : (G*H,), (G*H,), (H,), (H,), optional
        Layer normalisation, see `tidegate.reference.layer_norm`; the last two of an LSTM.
    activation, recurrent_activation, output_activation : str or (str, dict)
        Names in `ACTIVATIONS`, with parameters: of the candidate (g, n, or a simple RNN's h), of
        the gates, and of the LSTM's output squash (None: the same as `activation`).
    reset_after, update
        GRU only, see `tidegate.reference.gru`.
    coupled, cell_clip, output_clip
        LSTM only, see `tidegate.reference.lstm`; 3 gates where two are coupled.
    clip : float, optional
        Arguments of the activations of gates and candidates are limited to ±clip.

    Raises
    ------
    ValueError
        A shape disagrees with weight_hh, or an option is unknown.

    Examples
    --------
    >>> w = Weights("gru", np.zeros((12, 3)), np.zeros((12, 4)))
    >>> w.hidden_size, w.input_size
    (4, 3)
    """

    cell: str
    weight_ih: Array
    weight_hh: Array
    bias_ih: Any = None
    bias_hh: Any = None
    peephole: Any = None
    weight_hr: Any = None
    weight_cc: Any = None
    bias_cc: Any = None
    gamma_ih: Any = None
    gamma_hh: Any = None
    gamma_c: Any = None
    beta_c: Any = None
    activation: Any = "tanh"
    recurrent_activation: Any = "sigmoid"
    output_activation: Any = None
    reset_after: bool = True
    update: str = "retain"
    coupled: str | None = None
    clip: float | None = None
    cell_clip: float | None = None
    output_clip: float | None = None

    @classmethod
    def of(cls, weights: Any) -> Weights:
        """Take any object that has these attributes."""
        return cls(**{field.name: getattr(weights, field.name) for field in fields(cls)})

    def __post_init__(self) -> None:
        for name, array in self.arrays().items():
            object.__setattr__(self, name, widen(array))
        self._check_options()
        self._check_shapes()

    @property
    def hidden_size(self) -> int:
        """H, the width of c."""
        return int((self.weight_hh if self.weight_hr is None else self.weight_hr).shape[1])

    @property
    def output_size(self) -> int:
        """P, the width of h: H without a projection."""
        return int(self.weight_hh.shape[1])

    @property
    def input_size(self) -> int:
        """I."""
        return int(self.weight_ih.shape[1])

    @property
    def act(self) -> Activation:
        """Of the candidate: g of an LSTM, n of a GRU, h of a simple RNN."""
        return named(self.activation)

    @property
    def gate(self) -> Activation:
        """Of the gates: i f o, r z."""
        return named(self.recurrent_activation)

    @property
    def squash(self) -> Activation:
        """Of the cell state of an LSTM on its way out."""
        return named(self.output_activation or self.activation)

    def arrays(self) -> dict[str, Array]:
        """Map the names of the arrays that are present to the arrays."""
        present = {name: getattr(self, name) for name in ARRAYS}
        return {name: array for name, array in present.items() if array is not None}

    def with_biases(self) -> Weights:
        """Put zeros for absent biases: the same function, without a special case."""
        zero = np.zeros(len(self.weight_hh), self.weight_hh.dtype)
        zeros = {"bias_ih": zero, "bias_hh": zero}
        if self.weight_cc is not None:
            zeros["bias_cc"] = np.zeros(self.hidden_size, zero.dtype)
        return self.with_arrays(zeros | self.arrays())

    def with_arrays(self, arrays: dict[str, Array]) -> Weights:
        """Return the same cell and options with other arrays."""
        options: dict[str, Any] = {**arrays}
        return replace(self, **options)

    @property
    def gate_names(self) -> str:
        """The gates of an LSTM that have rows in the weights, in their order."""
        return {None: "ifgo", "input": "fgo", "forget": "igo"}[self.coupled]

    @property
    def peephole_rows(self) -> dict[str, Any]:
        """P_i, P_f, P_o of the gates that exist, each (H,) or (H, H), or None."""
        gates = self.gate_names.replace("g", "")
        rows = [None] * len(gates) if self.peephole is None else list(self.peephole)
        return dict(zip(gates, rows, strict=True))

    def _check_options(self) -> None:
        _check_name("cell", self.cell, GATES)
        for name in ("activation", "recurrent_activation", "output_activation"):
            given = getattr(self, name) or self.activation
            if isinstance(given, str):
                _check_name(name, given, ACTIVATIONS)
        _check_name("update", self.update, UPDATES)
        _check_name("coupled", self.coupled or "input", ("input", "forget"))
        for name in ("peephole", "weight_hr", "weight_cc", "bias_cc"):
            if getattr(self, name) is not None and self.cell != "lstm":
                raise ValueError(f'Weights: {name} is given; expected None for cell "{self.cell}".')
        if self.bias_cc is not None and self.weight_cc is None:
            raise ValueError("Weights: bias_cc is given; expected None without weight_cc.")
        norms = NORMS if self.cell == "lstm" else NORMS[:2]
        given = [name for name in NORMS if getattr(self, name) is not None]
        if given and given != list(norms):
            raise ValueError(f"Weights: {given} are given; expected {list(norms)}, or none.")
        if given and not self.reset_after:
            raise ValueError("Weights: reset_after is False; expected True with gamma_hh.")

    def _check_shapes(self) -> None:
        for name in {"weight_ih", "weight_hh", "weight_hr"} & set(self.arrays()):
            if getattr(self, name).ndim != 2:
                raise ValueError(
                    f"Weights: {name} has shape {getattr(self, name).shape}; expected two axes."
                )
        gates = GATES[self.cell] if self.coupled is None else 3
        peepholes = 3 if self.coupled is None else 2
        hidden, rows = self.hidden_size, gates * self.hidden_size
        allowed: dict[str, list[tuple[int, ...]]] = {
            "weight_ih": [(rows, self.input_size)],
            "weight_hh": [(rows, self.output_size)],
            "weight_hr": [(self.output_size, hidden)],
            "weight_cc": [(hidden, hidden)],
            "bias_cc": [(hidden,)],
            "bias_ih": [(rows,)],
            "bias_hh": [(rows,)],
            "peephole": [(peepholes, hidden), (peepholes, hidden, hidden)],
            **{name: [(rows,)] for name in NORMS[:2]},
            **{name: [(hidden,)] for name in NORMS[2:]},
        }
        for name, array in self.arrays().items():
            if array.shape not in allowed[name]:
                expected = " or ".join(str(shape) for shape in allowed[name])
                raise ValueError(
                    f"Weights: {name} has shape {array.shape}; expected {expected} "
                    f'for cell "{self.cell}".'
                )


def limit(a: Array, clip: float | None) -> tuple[Array, Array]:
    """Limit a to ±clip; and the slope of that: 0 where the limit was reached, else 1."""
    if clip is None:
        return a, np.ones_like(a)
    return np.clip(a, -clip, clip), np.where(np.abs(a) >= clip, 0.0, 1.0).astype(a.dtype)


def _check_name(argument: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise ValueError(f"Weights: {argument} has {name!r}; expected one of {sorted(known)}.")
