"""The cells and shapes that are tried, with seeded weights and inputs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from tidegate._arrays import FloatArray
from tidegate._weight_shapes import Sizes, shapes_of
from tidegate.weights import GATES, CellWeights

BOTH = ("bias_ih", "bias_hh")
# The arrays of a part, by the names of their shapes.
ARRAYS_OF = {
    "peephole": ("peephole",),
    "peephole_full": ("full peephole",),
    "projection": ("weight_hr",),
    "memory": ("weight_cc", "bias_cc"),
}
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


class Cell(NamedTuple):
    """One configuration.

    `parts` are the arrays beyond weight_ih and weight_hh: biases, "peephole" (diagonal),
    "peephole_full", "projection", "norm" (layer normalisation), "memory" (T-LSTM).
    """

    kind: str
    options: Mapping[str, Any] = NO_OPTIONS
    parts: tuple[str, ...] = BOTH

    def __str__(self) -> str:
        words = [self.kind, *(part for part in self.parts if part not in BOTH)]
        if not set(BOTH) <= set(self.parts):
            words.append("+".join(part for part in self.parts if part in BOTH) or "no_bias")
        for name, value in self.options.items():
            words.append(f"{name}={value if isinstance(value, str | bool | float) else value[0]}")
        return " ".join(words)

    def output_size(self, hidden: int) -> int:
        """P, the width of h."""
        return (hidden + 2) // 2 if "projection" in self.parts else hidden

    def state_sizes(self, hidden: int) -> tuple[int, ...]:
        """Widths of h and, of "lstm", c."""
        return (self.output_size(hidden), hidden)[: 2 if self.kind == "lstm" else 1]


def _lstm(*parts: str, **options: Any) -> Cell:
    return Cell("lstm", options, (*BOTH, *parts))


def _gru(*parts: str, **options: Any) -> Cell:
    return Cell("gru", options, (*BOTH, *parts))


def _rnn(*parts: str, **options: Any) -> Cell:
    return Cell("rnn", options, (*BOTH, *parts))


_HARD = ("hard_sigmoid", {"alpha": 0.5, "beta": 0.4})
_LEAKY = ("leaky_relu", {"alpha": 0.3})
_SCALED = ("scaled_tanh", {"alpha": 1.7159, "beta": 2 / 3})
_THRESHOLD = ("thresholded_relu", {"alpha": 0.2})
_AFFINE = ("affine", {"alpha": -0.5, "beta": 0.25})

# The variants of each cell, which have kernels of their own.
PLAIN_CELLS = (
    _lstm(),
    _lstm("peephole"),
    _lstm("peephole_full"),
    _lstm("projection"),
    _lstm(coupled="input"),
    _lstm(coupled="forget"),
    _lstm("norm"),
    _gru(),
    _gru(reset_after=False),
    _gru("norm"),
    _rnn(),
    _rnn("norm"),
)

# Every option and activation, alone or with others. Some values reach the limits.
CELLS = (
    *PLAIN_CELLS,
    _lstm("memory"),
    Cell("lstm", parts=()),
    Cell("lstm", parts=("bias_ih",)),
    _lstm("projection", "peephole_full"),
    _lstm("peephole", coupled="input", cell_clip=0.3),
    _lstm("peephole_full", coupled="forget", recurrent_activation=_HARD),
    _lstm("projection", coupled="forget", cell_clip=0.3),
    _lstm("norm", "peephole", coupled="forget", clip=1.0),
    _lstm("norm", coupled="input", output_clip=0.8),
    _lstm(clip=0.4, cell_clip=0.3, output_clip=0.25),
    _lstm(activation="relu", recurrent_activation="hard_sigmoid"),
    _lstm(activation="linear", output_activation="relu"),
    _lstm(activation="sigmoid", output_activation="softsign"),
    _lstm(activation=_SCALED, recurrent_activation=_HARD),
    _lstm("peephole", activation=_THRESHOLD, recurrent_activation="softplus"),
    _lstm("peephole_full", activation=("elu", {"alpha": 0.7}), output_activation=_AFFINE),
    _gru(update="replace"),
    _gru(reset_after=False, update="replace", activation=_LEAKY),
    Cell("gru", {"clip": 0.3}, ()),
    _gru(activation="elu", recurrent_activation=_HARD),
    _gru(reset_after=False, activation="softsign", recurrent_activation="softplus"),
    _gru("norm", update="replace", activation=_LEAKY, recurrent_activation=_AFFINE),
    _rnn(activation="relu"),
    _rnn(activation="softplus"),
    _rnn(activation=_SCALED, clip=0.5),
    Cell("rnn", {"activation": _THRESHOLD}, ("bias_hh",)),
)

# (T, B, I, H): one of everything; H below, at, above and not a multiple of every lane (2 to 16);
# one row of the batch, and more rows than any tile has.
SHAPES = (
    (1, 1, 1, 1),
    (4, 1, 3, 1),
    (1, 5, 2, 3),
    (5, 3, 1, 7),
    (3, 4, 16, 16),
    (4, 7, 5, 17),
    (3, 13, 9, 33),
    (2, 70, 6, 20),
    (3, 1, 40, 70),
)
# The least cell, "rnn", is worth two threads here.
SHAPE_FOR_THREADS = (3, 26, 18, 90)


class Problem(NamedTuple):
    """Everything that goes into one forward and one backward pass."""

    cell: Cell
    shape: tuple[int, int, int, int]
    weights: CellWeights
    x: FloatArray  # (T, B, I)
    state: tuple[FloatArray, ...]
    dy: FloatArray  # (T, B, P)
    dstate: tuple[FloatArray, ...]
    layout: dict[str, Any]  # arguments of rnn_forward beside these


def make_weights(cell: Cell, inputs: int, hidden: int, dtype: Any, seed: int = 0) -> CellWeights:
    """Seeded weights, uniform in ±1/√n for sums of n terms."""
    rng = np.random.default_rng([seed, inputs, hidden])
    gates = 3 if "coupled" in cell.options else GATES[cell.kind]
    rows, width, small = gates * hidden, cell.output_size(hidden), hidden**-0.5
    # Layer normalisation divides by what a single small x or h makes of the weights: less of them.
    cut = 4 if "norm" in cell.parts else 1
    arrays = {
        "weight_ih": rng.uniform(-1, 1, (rows, inputs)) * max(inputs, hidden) ** -0.5,
        "weight_hh": rng.uniform(-small, small, (rows, width)),
    }
    for name, array in arrays.items():
        arrays[name] = array / (64 * cut if cut > 1 and array.shape[1] == 1 else cut)
    sizes = Sizes(gates, inputs, hidden, width, "projection" in cell.parts)
    shapes = {name: shape for name, (shape, _) in shapes_of(sizes, gates - 1, cell.kind).items()}
    for part in cell.parts:
        if part == "norm":
            continue
        for name in ARRAYS_OF.get(part, (part,)):
            arrays[name.removeprefix("full ")] = rng.uniform(-small, small, shapes[name])
    if "norm" in cell.parts:
        names = ("gamma_ih", "gamma_hh", *(("gamma_c", "beta_c") if cell.kind == "lstm" else ()))
        arrays |= {name: rng.uniform(-0.5, 1.5, shapes[name]) for name in names}
    given: dict[str, Any] = {name: array.astype(dtype) for name, array in arrays.items()}
    return CellWeights(cell.kind, **given, **cell.options)


def make_problem(cell: Cell, shape: tuple[int, int, int, int], dtype: Any) -> Problem:
    """Make a seeded problem of shape (T, B, I, H)."""
    steps, batch, inputs, hidden = shape
    rng = np.random.default_rng([*shape])

    def normal(*size: int) -> FloatArray:  # below 1: linear gates multiply
        made: FloatArray = (0.5 * rng.standard_normal(size)).astype(dtype)
        return made

    sizes = cell.state_sizes(hidden)
    decay = {"memory_decay": rng.uniform(0, 1, (steps, batch)).astype(dtype)}
    return Problem(
        cell,
        shape,
        make_weights(cell, inputs, hidden, dtype),
        normal(steps, batch, inputs),
        tuple(normal(batch, size) for size in sizes),
        normal(steps, batch, sizes[0]),
        tuple(normal(batch, size) for size in sizes),
        decay if "memory" in cell.parts else {},
    )
