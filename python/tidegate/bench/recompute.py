"""What `recompute_every=k` saves and costs: peak memory against time of training one LSTM.

The peak is that of a forward and a backward pass above the input, the weights and their gradients,
of which only the last output has a gradient. It is about

    min(k, T) B (6 Hp) size  +  ceil(T / k) B (2 H) size

for an LSTM, where Hp is H rounded up to whole vectors: four gates, c and h of k steps, and c and h
at every k-th. Time is that of one thread on a CPU, so that other work on the machine does not
count. Each k has a process of its own; reads Linux's /proc.
"""

import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tidegate._extras import require
from tidegate.bench import machine
from tidegate.bench.memory import peak_growth
from tidegate.functional import rnn_backward, rnn_forward
from tidegate.runtime import set_num_threads
from tidegate.weights import CellWeights

SHAPE = (1600, 64, 64, 256)
STEPS = (None, 800, 400, 200, 100, 40, 20, 10, 5, 2, 1)
SIZE = 4  # bytes of a float32


@dataclass(frozen=True)
class Point:
    """One k: bytes of the peak, bytes of the formula above, seconds of a training step."""

    every: int | None
    peak: int
    expected: int
    seconds: float


def expected_bytes(shape: Sequence[int], every: int | None) -> int:
    """Return the formula of this module.

    Examples
    --------
    >>> expected_bytes((100, 2, 3, 16), None) // (2 * 16 * SIZE)
    600
    >>> expected_bytes((100, 2, 3, 16), 10) // (2 * 16 * SIZE)
    80
    """
    steps, batch, _, hidden = shape
    if every is None:
        return steps * batch * 6 * hidden * SIZE
    saved = min(every, steps) * 6
    return (saved + -(-steps // every) * 2) * batch * hidden * SIZE


def measure_point(shape: Sequence[int], every: int | None, rounds: int) -> Point:
    """Train `rounds` steps in this process; the quickest counts."""
    set_num_threads(1)
    _training_step((2, 2, 4, 8), every)()  # loads what comes with a first call
    step = _training_step(shape, every)
    seconds: list[float] = []

    def run() -> None:
        for _ in range(rounds):
            begin = time.process_time()
            step()
            seconds.append(time.process_time() - begin)

    peak = peak_growth(run)
    return Point(every, peak, expected_bytes(shape, every), min(seconds))


def _training_step(shape: Sequence[int], every: int | None) -> Callable[[], None]:
    """Return a forward and a backward pass over arrays that exist."""
    steps, batch, inputs, hidden = shape
    rng = np.random.default_rng(0)

    def array(*size: int) -> Any:
        return rng.uniform(-0.1, 0.1, size).astype(np.float32)

    weights = CellWeights("lstm", array(4 * hidden, inputs), array(4 * hidden, hidden))
    x, dstate = array(steps, batch, inputs), (array(batch, hidden), None)
    gradients = CellWeights.view(
        "lstm", np.ones_like(weights.weight_ih), np.ones_like(weights.weight_hh)
    )

    def step() -> None:
        out = rnn_forward(weights, x, training=True, return_sequences=False, recompute_every=every)
        rnn_backward(out.saved, dstate=dstate, need_dx=False, out=gradients)

    return step


def measure(
    shape: Sequence[int], steps: Sequence[int | None], rounds: int, show: Callable[[str], None]
) -> list[Point]:
    """Measure each k in a process of its own; show them as rows of a Markdown table."""
    points: list[Point] = []
    show("| recompute_every | peak, MB | formula, MB | time |\n|---|---|---|---|")
    for every in steps:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            points.append(pool.apply(measure_point, (shape, every, rounds)))
        show(row(points[-1], points[0]))
    return points


def row(point: Point, plain: Point) -> str:
    """Return one row of the table."""
    name = "none" if point.every is None else str(point.every)
    return (
        f"| {name} | {point.peak / 1e6:.1f} | {point.expected / 1e6:.1f} "
        f"| {point.seconds / plain.seconds:.2f} |"
    )


def to_json(shape: Sequence[int], points: Sequence[Point]) -> str:
    """Return everything that was measured, and on what."""
    found = {"shape": list(shape), "points": [asdict(p) for p in points]}
    return json.dumps(found | {"machine": machine.describe()}, indent=1)


def save_picture(shape: Sequence[int], points: Sequence[Point], path: Path) -> None:
    """Draw memory against time; the ending of the name says how (PNG, PDF, SVG)."""
    figure_class = require("matplotlib.figure", extra="bench", purpose="--picture").Figure
    figure = figure_class(figsize=(7.6, 4.2), layout="constrained")
    ax = figure.subplots()
    times = [p.seconds / points[0].seconds for p in points]
    ax.plot(times, [p.peak / 1e6 for p in points], "o", color="#1a73e8", label="measured")
    formula = [p.expected / 1e6 for p in points]
    ax.plot(times, formula, "_", color="#5f6368", ms=14, label="saved(k) + states(T/k)")
    for k, (p, at) in enumerate(zip(points, times, strict=True)):
        name = "none" if p.every is None else f"{p.every}"
        side, offset = ("left", 7) if k and p.peak > points[k - 1].peak else ("right", -7)
        place = {"textcoords": "offset points", "ha": side, "va": "center", "fontsize": 8}
        ax.annotate(name, (at, p.peak / 1e6), (offset, 0), **place)
    ax.set(yscale="log", xlabel="time of a training step, 1 without k", ylabel="peak, MB")
    most = max(p.peak for p in points) / 1e6
    ticks = [t for t in (10, 20, 50, 100, 200, 500, 1000, 2000) if t < 2 * most]
    ax.set_yticks(ticks, [str(t) for t in ticks])
    ax.minorticks_off()
    ax.margins(0.08)
    ax.set_title(
        f"recompute_every=k (numbers at the points), LSTM (T, B, I, H) = {tuple(shape)}, float32",
        fontsize=10,
    )
    ax.grid(color="#f1f3f4", lw=0.7, which="both")
    ax.set_axisbelow(True)
    ax.legend(frameon=False)
    figure.savefig(path, dpi=110)
