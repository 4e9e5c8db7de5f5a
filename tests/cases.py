"""The cells, shapes and seeded weights that generic tests run over.

To add a cell or an option: one line in `ALL_CELLS` (and, if it combines with every activation,
in `EVERY_COMBINATION`).
"""

import itertools
from dataclasses import dataclass

import numpy as np

import tidegate
from tidegate import reference

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
STATES = {"lstm": 2, "gru": 1, "rnn": 1}
ACTIVATIONS = ("tanh", "sigmoid", "relu", "linear")
DTYPES = (np.float32, np.float64)
NORMS = ("gamma_ih", "gamma_hh", "gamma_c", "beta_c")


def _named(activation):
    """Short text of an activation, a name or (name, parameters)."""
    if isinstance(activation, str):
        return activation
    return "_".join([activation[0], *(f"{value:g}" for value in activation[1].values())])


@dataclass(frozen=True)
class CellCase:
    """One configuration of a cell; `str` of it is the id of its tests."""

    cell: str
    peephole: str | None = None
    reset_after: bool = True
    update: str = "retain"
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    output_activation: str | None = None
    bias: str = "both"  # both, ih, hh or none
    coupled: str | None = None
    clip: float | None = None
    cell_clip: float | None = None
    output_clip: float | None = None
    projects: bool = False  # with a projection of width output_size(H)
    normalizes: bool = False  # with layer normalisation

    def __str__(self):
        parts = [self.cell]
        if self.peephole:
            parts.append(self.peephole)
        parts += ["projection"] if self.projects else []
        parts += ["layer_norm"] if self.normalizes else []
        if self.cell == "gru":
            parts += ["after" if self.reset_after else "before", self.update]
        if (self.activation, self.recurrent_activation) != ("tanh", "sigmoid"):
            parts.append(_named(self.activation))
            parts += [] if self.cell == "rnn" else [_named(self.recurrent_activation)]
        if self.output_activation:
            parts.append(f"out_{_named(self.output_activation)}")
        if self.bias != "both":
            parts.append(f"bias_{self.bias}")
        parts += [f"coupled_{self.coupled}"] if self.coupled else []
        for name in ("clip", "cell_clip", "output_clip"):
            parts += [f"{name}_{getattr(self, name)}"] if getattr(self, name) else []
        return "-".join(parts)

    @property
    def gates(self):
        return 3 if self.coupled else GATES[self.cell]

    @property
    def peepholes(self):
        return 2 if self.coupled else 3

    @property
    def states(self):
        return STATES[self.cell]

    def output_size(self, hidden_size):
        """P, the width of h."""
        return (hidden_size + 2) // 2 if self.projects else hidden_size

    def state_sizes(self, hidden_size):
        """Widths of h and, for "lstm", c."""
        return (self.output_size(hidden_size), hidden_size)[: self.states]

    @property
    def options(self):
        """Keyword arguments of CellWeights."""
        given = {"activation": self.activation, "recurrent_activation": self.recurrent_activation}
        if self.cell == "lstm":
            given["output_activation"] = self.output_activation
            for name in ("coupled", "cell_clip", "output_clip"):
                given |= {name: getattr(self, name)} if getattr(self, name) else {}
        given |= {"clip": self.clip} if self.clip else {}
        if self.cell == "gru":
            given |= {"reset_after": self.reset_after, "update": self.update}
        return given


# The variants of each cell with their default activations.
PLAIN_CELLS = (
    CellCase("lstm"),
    CellCase("lstm", peephole="diagonal"),
    CellCase("lstm", peephole="full"),
    CellCase("gru"),
    CellCase("gru", update="replace"),
    CellCase("gru", reset_after=False),
    CellCase("gru", reset_after=False, update="replace"),
    CellCase("lstm", projects=True),
    CellCase("lstm", projects=True, peephole="full"),
    CellCase("rnn"),
)

# Options of cells, alone and with others. The limits are such that some values reach them.
LEAKY = ("leaky_relu", {"alpha": 0.3})
THRESHOLD = ("thresholded_relu", {"alpha": 0.2})
SCALED = ("scaled_tanh", {"alpha": 1.7159, "beta": 2 / 3})
HARD = ("hard_sigmoid", {"alpha": 0.5, "beta": 0.4})
AFFINE = ("affine", {"alpha": -0.5, "beta": 0.25})
OPTION_CELLS = (
    CellCase("lstm", activation=LEAKY, recurrent_activation="hard_sigmoid"),
    CellCase("lstm", activation=SCALED, recurrent_activation=HARD, output_activation="softsign"),
    CellCase("lstm", activation=THRESHOLD, recurrent_activation="softplus", peephole="diagonal"),
    CellCase("lstm", activation=("elu", {"alpha": 0.7}), output_activation=AFFINE, peephole="full"),
    CellCase("gru", activation="elu", recurrent_activation=HARD),
    CellCase("gru", activation="softsign", recurrent_activation="softplus", reset_after=False),
    CellCase("gru", activation=LEAKY, recurrent_activation=AFFINE, update="replace"),
    CellCase("rnn", activation="softplus"),
    CellCase("rnn", activation=SCALED),
    CellCase("rnn", activation=THRESHOLD, bias="ih"),
    CellCase("lstm", coupled="input"),
    CellCase("lstm", coupled="forget", bias="hh"),
    CellCase("lstm", coupled="input", peephole="diagonal", cell_clip=0.3),
    CellCase("lstm", coupled="forget", peephole="diagonal", output_clip=0.2),
    CellCase("lstm", coupled="input", peephole="full", clip=0.6, activation="softsign"),
    CellCase("lstm", coupled="forget", peephole="full", recurrent_activation=HARD),
    CellCase("lstm", coupled="forget", projects=True, cell_clip=0.3),
    CellCase("lstm", coupled="input", projects=True, peephole="full", activation=LEAKY),
    CellCase("lstm", projects=True, peephole="diagonal", clip=0.5, output_clip=0.25),
    CellCase("lstm", clip=0.4),
    CellCase("lstm", clip=0.5, cell_clip=0.3, output_clip=0.25, peephole="diagonal"),
    CellCase("lstm", cell_clip=0.2, peephole="full", clip=0.5),
    CellCase("lstm", clip=0.5, activation="linear", recurrent_activation="hard_sigmoid"),
    CellCase("gru", clip=0.4),
    CellCase("gru", clip=0.4, reset_after=False, activation=LEAKY),
    CellCase("gru", clip=0.3, update="replace", bias="none"),
    CellCase("rnn", clip=0.5),
    CellCase("rnn", clip=0.5, activation="relu"),
)

# Layer normalisation, alone and with others.
NORM_CELLS = (
    CellCase("lstm", normalizes=True),
    CellCase("lstm", normalizes=True, peephole="diagonal", bias="ih"),
    CellCase("lstm", normalizes=True, coupled="input", cell_clip=0.3, output_clip=0.8),
    CellCase("lstm", normalizes=True, coupled="forget", peephole="diagonal", clip=1.0),
    CellCase("lstm", normalizes=True, activation=LEAKY, recurrent_activation="hard_sigmoid"),
    CellCase("lstm", normalizes=True, output_activation="softsign", bias="none", clip=0.8),
    CellCase("gru", normalizes=True),
    CellCase("gru", normalizes=True, update="replace", clip=0.8),
    CellCase("gru", normalizes=True, activation=LEAKY, recurrent_activation=AFFINE, bias="hh"),
    CellCase("rnn", normalizes=True),
    CellCase("rnn", normalizes=True, activation="relu", clip=0.8),
)

# Each activation in each place, each subset of biases.
ALL_CELLS = (
    *PLAIN_CELLS,
    CellCase("lstm", activation="relu"),
    CellCase("lstm", activation="relu", peephole="diagonal"),
    CellCase("lstm", activation="linear", output_activation="relu", peephole="full"),
    CellCase("lstm", activation="sigmoid", output_activation="tanh"),
    CellCase("lstm", output_activation="linear", bias="ih"),
    CellCase("lstm", output_activation="sigmoid", recurrent_activation="tanh", bias="hh"),
    CellCase("lstm", recurrent_activation="relu", peephole="diagonal", bias="none"),
    CellCase("lstm", recurrent_activation="linear"),
    CellCase("lstm", projects=True, peephole="diagonal", activation="relu", bias="ih"),
    CellCase("gru", activation="relu"),
    CellCase("gru", activation="relu", reset_after=False, bias="ih"),
    CellCase("gru", activation="linear", recurrent_activation="tanh", bias="hh"),
    CellCase("gru", activation="sigmoid", recurrent_activation="relu", reset_after=False),
    CellCase("gru", recurrent_activation="linear", update="replace", bias="none"),
    CellCase("rnn", activation="sigmoid", bias="hh"),
    CellCase("rnn", activation="relu", bias="ih"),
    CellCase("rnn", activation="linear", bias="none"),
    *OPTION_CELLS,
    *NORM_CELLS,
)


def _every_combination():
    for act, gate, out in itertools.product(ACTIVATIONS, ACTIVATIONS, (None, *ACTIVATIONS)):
        for peephole in (None, "diagonal", "full"):
            yield CellCase(
                "lstm",
                peephole=peephole,
                activation=act,
                recurrent_activation=gate,
                output_activation=out,
            )
    for act, gate in itertools.product(ACTIVATIONS, ACTIVATIONS):
        for reset_after, update in itertools.product((True, False), ("retain", "replace")):
            yield CellCase(
                "gru",
                reset_after=reset_after,
                update=update,
                activation=act,
                recurrent_activation=gate,
            )
    for act in ACTIVATIONS:
        yield CellCase("rnn", activation=act)


# Every option with every other: 308 cells, for tests at tiny shapes.
EVERY_COMBINATION = tuple(_every_combination())

# (T, B, I, H). One of everything; H below, at, above and not a multiple of every lane (2 to 16) and
# of a tile of several lanes; rows of the batch below and above every tile.
SMALLEST_SHAPE = (2, 2, 1, 2)  # the least in which every sum but that over I has two terms
TINY_SHAPE = (3, 2, 2, 3)
SHAPES = (
    (1, 1, 1, 1),
    (4, 1, 3, 1),
    (1, 5, 2, 3),
    (5, 3, 1, 7),
    (6, 2, 4, 10),
    (3, 4, 16, 16),
    (4, 7, 5, 17),
    (3, 13, 9, 33),
    (2, 6, 64, 64),
    (3, 5, 40, 70),
)


def make_arrays(case, input_size, hidden_size, dtype=np.float64, seed=0):
    """Seeded arrays of one cell by their names, uniform in ±1/√n for sums of n terms."""
    rng = np.random.default_rng([seed, input_size, hidden_size])
    rows = case.gates * hidden_size
    output_size = case.output_size(hidden_size)
    shapes = {"weight_ih": (rows, input_size), "weight_hh": (rows, output_size)}
    if case.bias in ("both", "ih"):
        shapes["bias_ih"] = (rows,)
    if case.bias in ("both", "hh"):
        shapes["bias_hh"] = (rows,)
    if case.peephole == "diagonal":
        shapes["peephole"] = (case.peepholes, hidden_size)
    if case.peephole == "full":
        shapes["peephole"] = (case.peepholes, hidden_size, hidden_size)
    if case.projects:
        shapes["weight_hr"] = (output_size, hidden_size)
    terms = {"weight_ih": max(input_size, hidden_size)}
    arrays = {}
    for name, shape in shapes.items():
        scale = terms.get(name, hidden_size) ** -0.5
        arrays[name] = rng.uniform(-scale, scale, shape).astype(dtype)
    if case.normalizes:  # LN bends where values spread by √ε: over less of h if weights are large
        for name in ("weight_ih", "weight_hh"):  # nearly nothing of a single x or h gets through
            arrays[name] = arrays[name] / (256 if arrays[name].shape[1] == 1 else 4)
        sizes = (rows, rows, *((hidden_size, hidden_size) if case.cell == "lstm" else ()))
        gains = zip(NORMS, sizes, strict=False)
        arrays |= {name: rng.uniform(-0.5, 1.5, size).astype(dtype) for name, size in gains}
    return arrays


def make_weights(case, input_size, hidden_size, dtype=np.float64, seed=0):
    """A tidegate.CellWeights of this case with seeded arrays."""
    arrays = make_arrays(case, input_size, hidden_size, dtype, seed)
    return tidegate.CellWeights(case.cell, **arrays, **case.options)


def make_reference_weights(case, input_size, hidden_size, dtype=np.float64, seed=0):
    """The same as reference.Weights."""
    arrays = make_arrays(case, input_size, hidden_size, dtype, seed)
    return reference.Weights(case.cell, **arrays, **case.options)


@dataclass
class Problem:
    """Everything that goes into one forward and one backward pass."""

    weights: object
    x: np.ndarray  # (T, B, I)
    state: tuple
    dy: np.ndarray  # (T, B, P)
    dstate: tuple


def make_problem(case, shape, dtype=np.float64, seed=0, weights=make_weights):
    """A seeded problem of shape (T, B, I, H)."""
    steps, batch, inputs, hidden = shape
    rng = np.random.default_rng([seed, *shape])

    def normal(*size):  # below 1, so that linear gates, which multiply, do not explode
        return (0.5 * rng.standard_normal(size)).astype(dtype)

    return Problem(
        weights=weights(case, inputs, hidden, dtype, seed),
        x=normal(steps, batch, inputs),
        state=tuple(normal(batch, size) for size in case.state_sizes(hidden)),
        dy=normal(steps, batch, case.output_size(hidden)),
        dstate=tuple(normal(batch, size) for size in case.state_sizes(hidden)),
    )
