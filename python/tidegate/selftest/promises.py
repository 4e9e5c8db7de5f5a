"""Same bits at any number of threads and step by step; NaN in its row; nothing global."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tidegate import functional
from tidegate._arrays import FloatArray
from tidegate._thread_limit import limited
from tidegate.selftest.cells import Problem
from tidegate.selftest.compare import Worst, different_bits, worse
from tidegate.selftest.parity import Run, run
from tidegate.stream import Stream

THREADS = (1, 2)
ROW, STEP = 3, 2  # where a NaN enters


def all_arrays(result: Run) -> list[FloatArray]:
    """Every array of one forward and backward pass."""
    out, grads = result
    weights = grads.weights.arrays().values()
    return [out.y, *out.state, grads.x, *grads.state, *weights]


def check_threads(problem: Problem) -> Iterator[tuple[str, Worst]]:
    """Everything with one thread and with two."""
    found = []
    for threads in THREADS:
        with limited(threads):
            y = functional.rnn_forward(
                problem.weights, problem.x, problem.state, **problem.layout
            ).y
            found.append([y, *all_arrays(run(functional, problem))])
    yield "1 and 2 threads", _same(*found)


def check_stream(problem: Problem) -> Iterator[tuple[str, Worst]]:
    """Compare steps one by one with the whole sequence."""
    whole = functional.rnn_forward(problem.weights, problem.x)
    stream = Stream(problem.weights, problem.shape[1])
    y = np.stack([stream.step(x_t).copy() for x_t in problem.x])
    yield "stream", _same([y, *stream.state[0]], [whole.y, *whole.state])


def check_nan(problem: Problem) -> Iterator[tuple[str, Worst]]:
    """Put a NaN into a row of x: it reaches all of that row from there on, and no other."""
    x = problem.x.copy()
    x[STEP, ROW, 0] = np.nan
    clean, poisoned = run(functional, problem), run(functional, problem._replace(x=x))
    y = np.array(poisoned.out.y)
    hidden = float(np.count_nonzero(~np.isnan(y[STEP:, ROW])))
    yield "NaN in its row", Worst(hidden, 0.0)
    y[STEP:, ROW] = clean.out.y[STEP:, ROW]
    others = np.arange(problem.shape[1]) != ROW
    sides = (
        [*(q[others] for q in (r.out.state + r.grads.state)), r.grads.x[:, others]]
        for r in (poisoned, clean)
    )
    got, wanted = sides
    yield "NaN in its row", _same([y, *got], [clean.out.y, *wanted])


def check_environment(problem: Problem) -> Iterator[tuple[str, Worst]]:
    """Denormal numbers and rounding are after the calls what IEEE 754 says."""
    for threads in THREADS:
        with limited(threads):
            run(functional, problem)
        yield "floating-point environment", Worst(float(broken_rules()), 0.0)


def broken_rules() -> int:
    """Count the rules of IEEE 754 that arithmetic in this thread breaks."""
    one, eps = np.ones(1), np.finfo(np.float64).eps
    denormals = [np.full(1, 5e-324), np.full(1, 1e-45, np.float32)]
    smallest = [np.full(1, np.finfo(kind).tiny, kind) for kind in (np.float32, np.float64)]
    rules = [array * array.dtype.type(1) != 0 for array in denormals]  # read as they are
    rules += [array / array.dtype.type(2) != 0 for array in smallest]  # not flushed
    # Halfway cases go to the even neighbour: up, down and towards zero each break one of these.
    rules += [one + eps / 2 == one, (one + eps) + eps / 2 == one + 2 * eps]
    return sum(not rule.all() for rule in rules)


def _same(got: list[Any], wanted: list[Any]) -> Worst:
    return worse(*(different_bits(a, b) for a, b in zip(got, wanted, strict=True)))
