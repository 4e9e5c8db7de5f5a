"""The suite *options*: each option of a layer beside the plain layer, tidegate alone.

Each option and the plain layer take turns in one process. To add an option: one line in `OPTIONS`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tidegate.bench.case import Case
from tidegate.bench.limits import limit
from tidegate.bench.probes import Silicon
from tidegate.bench.problem import Arrays, Problem
from tidegate.functional import rnn_backward, rnn_forward
from tidegate.weights import CellWeights

SIZES = ((100, 16, 256, 256), (100, 1, 64, 128))
GATED = ("lstm", "gru")


def _none(_: Case) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Option:
    """What differs from the plain layer.

    Attributes
    ----------
    name : str
    kinds : tuple of str
        Cells that have it: of "lstm", "gru".
    cell : dict
        Arguments of CellWeights.
    arrays : callable
        From the case to the shapes of arrays that are new or replace the plain layer's.
    forward, backward : callable
        From the case to arguments of `rnn_forward` and `rnn_backward`.
    products : callable
        From the case to the layer's multiply-adds relative to the plain one's.
    """

    name: str
    kinds: tuple[str, ...] = GATED
    cell: dict[str, Any] = field(default_factory=dict)
    arrays: Callable[[Case], dict[str, tuple[int, ...]]] = _none
    forward: Callable[[Case], dict[str, Any]] = _none
    backward: Callable[[Case], dict[str, Any]] = _none
    products: Callable[[Case], float] = lambda _: 1.0


def _activation(name: str) -> Option:
    return Option(f"activation={name}", cell={"activation": name})


def _three_gates(case: Case) -> dict[str, tuple[int, ...]]:
    rows, inputs, hidden = 3 * case.hidden, case.inputs, case.hidden
    return {
        "weight_ih": (rows, inputs),
        "weight_hh": (rows, hidden),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
    }


def _projected(case: Case) -> dict[str, tuple[int, ...]]:
    rows, half = 4 * case.hidden, case.hidden // 2
    return {"weight_hh": (rows, half), "weight_hr": (half, case.hidden)}


def _products_projected(case: Case) -> float:
    half = case.hidden / 2
    return (4 * (case.inputs + half) + half) / (4 * (case.inputs + case.hidden))


def _lengths(case: Case) -> np.ndarray[Any, Any]:
    """Spread evenly over 8 % to 100 % of T; one sequence takes 54 % of it."""
    share = np.linspace(0.08, 1.0, case.batch) if case.batch > 1 else np.array([0.54])
    return np.round(share * case.steps).astype(np.int64)


def _gaps(case: Case) -> np.ndarray[Any, Any]:
    """54 % of the steps, in mixed places."""
    steps = np.random.default_rng(0).permuted(
        np.tile(np.arange(case.steps), (case.batch, 1)), axis=1
    )
    return steps < round(0.54 * case.steps)


def _per_unit(case: Case) -> np.ndarray[Any, Any]:
    return np.full((case.batch, case.hidden), 0.9, case.dtype)


def _per_gate(case: Case) -> np.ndarray[Any, Any]:
    return np.full((case.cell.gates, case.batch, case.hidden), 0.9, case.dtype)


def _products_peephole(case: Case) -> float:
    terms = 4 * (case.inputs + case.hidden)
    return (terms + 3 * case.hidden) / terms


def _like_y(case: Case) -> np.ndarray[Any, Any]:
    return np.full((case.steps, case.batch, case.hidden), 0.9, case.dtype)


def _gains(case: Case) -> dict[str, tuple[int, ...]]:
    rows, hidden = case.cell.gates * case.hidden, case.hidden
    gains: dict[str, tuple[int, ...]] = {"gamma_ih": (rows,), "gamma_hh": (rows,)}
    return gains | ({"gamma_c": (hidden,), "beta_c": (hidden,)} if case.cell.cell == "lstm" else {})


NAMES = (
    "relu",
    "linear",
    "hard_sigmoid",
    "leaky_relu",
    "thresholded_relu",
    "scaled_tanh",
    "elu",
    "softsign",
    "softplus",
    "affine",
)
LSTM, GRU = ("lstm",), ("gru",)
OPTIONS: tuple[Option, ...] = (
    *(_activation(name) for name in NAMES),
    Option("gates=hard_sigmoid", cell={"recurrent_activation": "hard_sigmoid"}),
    Option("coupled=input", LSTM, {"coupled": "input"}, _three_gates, products=lambda _: 0.75),
    Option("coupled=forget", LSTM, {"coupled": "forget"}, _three_gates, products=lambda _: 0.75),
    Option("peephole diagonal", LSTM, {}, lambda case: {"peephole": (3, case.hidden)}),
    Option(
        "peephole full",
        LSTM,
        arrays=lambda case: {"peephole": (3, case.hidden, case.hidden)},
        products=_products_peephole,
    ),
    Option("reset_after=False", GRU, {"reset_after": False}),
    Option("projection to H/2", LSTM, {}, _projected, products=_products_projected),
    Option("layer_norm", arrays=_gains),
    Option("clip", cell={"clip": 3.0}),
    Option("cell_clip", LSTM, {"cell_clip": 3.0}),
    Option("output_clip", LSTM, {"output_clip": 3.0}),
    Option(
        "return_cell_states",
        LSTM,
        forward=lambda _: {"return_cell_states": True},
        backward=lambda case: {"dcell_states": _like_y(case)},
    ),
    Option(
        "lengths, 54 % full",
        forward=lambda case: {"lengths": _lengths(case)},
        products=lambda case: float(np.mean(_lengths(case))) / case.steps,
    ),
    Option(
        "mask with gaps, 54 % full",
        forward=lambda case: {"mask": _gaps(case)},
        products=lambda case: float(_gaps(case).mean()),
    ),
    Option("recurrent_scale", forward=lambda case: {"recurrent_scale": _per_unit(case)}),
    Option("recurrent_scale per gate", forward=lambda case: {"recurrent_scale": _per_gate(case)}),
    Option("state_scale", forward=lambda case: {"state_scale": _like_y(case)}),
    Option("state_keep", forward=lambda case: {"state_keep": _like_y(case)}),
    Option(
        "T-LSTM",
        LSTM,
        arrays=lambda case: {"weight_cc": (case.hidden, case.hidden), "bias_cc": (case.hidden,)},
        forward=lambda case: {"memory_decay": _like_y(case)[..., 0]},
        products=lambda case: (
            (4 * case.inputs + 5 * case.hidden) / (4 * (case.inputs + case.hidden))
        ),
    ),
)


@dataclass(frozen=True)
class Measured:
    """The best time of an option and of the plain layer in the same turns, in seconds."""

    option: Option
    case: Case
    seconds: float
    plain: float

    @property
    def relative(self) -> float:
        """How many times as long as the plain layer it takes."""
        return self.seconds / self.plain

    def percent_of_limit(self, silicon: Silicon, threads: int) -> float:
        """Of the least time that the products take."""
        least = limit(self.case, silicon, threads).seconds * self.option.products(self.case)
        return 100 * least / self.seconds

    def percent_of_limit_plain(self, silicon: Silicon, threads: int) -> float:
        """Return the same of the plain layer."""
        return 100 * limit(self.case, silicon, threads).seconds / self.plain


def cases(passes: Sequence[str], kinds: Sequence[str], only: str) -> Iterator[tuple[Case, Option]]:
    """Yield what is measured; `only` is text of the case's label or of the option's name."""
    for name in passes:
        for kind in (kind for kind in GATED if kind in kinds):
            for sizes in SIZES:
                case = Case(kind, name == "training", *sizes)
                for option in OPTIONS:
                    if kind in option.kinds and only in f"{case.label} {option.name}":
                        yield case, option


def measure(case: Case, option: Option, rounds: int, seconds: float) -> Measured:
    """Time an option and the plain layer in turns of `seconds` / 2 each."""
    runs = runner(case, Option("plain")), runner(case, option)
    best = [float("inf"), float("inf")]
    for run in runs:
        run()
    for _ in range(rounds):
        for k, run in enumerate(runs):
            end = time.perf_counter() + seconds / 2
            while (begin := time.perf_counter()) < end:
                run()
                best[k] = min(best[k], time.perf_counter() - begin)
    return Measured(option, case, best[1], best[0])


def runner(case: Case, option: Option) -> Callable[[], Any]:
    """Return a function that runs the layer with an option once."""
    problem = Problem.of(case)
    arrays: Arrays = dict(problem.layers[0][0])
    rng = np.random.default_rng(1)
    for name, shape in option.arrays(case).items():
        bound = case.hidden**-0.5
        arrays[name] = rng.uniform(-bound, bound, shape).astype(case.dtype)
    weights = CellWeights.view(case.cell.cell, **arrays, **option.cell)
    given, back = option.forward(case), option.backward(case)
    if not case.training:
        return lambda: rnn_forward(weights, problem.x, **given)
    gradients = weights.empty_like()
    width = rnn_forward(weights, problem.x, **given).state[0].shape[1]
    dy = np.ascontiguousarray(problem.dy[..., :width])

    def training() -> Any:
        weights.changed()
        out = rnn_forward(weights, problem.x, training=True, **given)
        return rnn_backward(out.saved, dy, out=gradients, **back)

    return training
