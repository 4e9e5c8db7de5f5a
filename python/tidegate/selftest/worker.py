"""All checks at the ISA level of this process; as a program, one line of JSON for each."""

import json
import sys
from collections.abc import Iterator

import numpy as np

from tidegate._loader import isa
from tidegate.runtime import set_num_threads
from tidegate.selftest.cells import (
    CELLS,
    PLAIN_CELLS,
    SHAPE_FOR_THREADS,
    SHAPES,
    Problem,
    make_problem,
)
from tidegate.selftest.compare import Check, Worst
from tidegate.selftest.parity import FOR_VARIANTS, RAGGED_SHAPE, Checker, check_plain, variants
from tidegate.selftest.promises import check_environment, check_nan, check_stream, check_threads

DTYPES = (np.float32, np.float64)


def checks() -> Iterator[Check]:
    """Run everything; an exception of the engine passes through."""
    for dtype in DTYPES:
        for cell in CELLS:
            yield from _worst_of(check_plain, [make_problem(cell, s, dtype) for s in SHAPES])
        for problem in variants(dtype):
            for checker in FOR_VARIANTS:
                yield from _worst_of(checker, [problem])
        for cell in CELLS:
            threaded = make_problem(cell, SHAPE_FOR_THREADS, dtype)
            yield from _worst_of(check_threads, [threaded])
            if "memory" not in cell.parts:  # its step depends on the time before
                shapes = (RAGGED_SHAPE, (3, 1, 5, 33))
                yield from _worst_of(check_stream, [make_problem(cell, s, dtype) for s in shapes])
            yield from _worst_of(check_nan, [make_problem(cell, RAGGED_SHAPE, dtype)])
            if cell in PLAIN_CELLS:
                yield from _worst_of(check_environment, [threaded])


def _worst_of(checker: Checker, problems: list[Problem]) -> Iterator[Check]:
    """Run one checker on several shapes of a cell; one Check for each topic."""
    found: dict[str, tuple[Worst, Problem]] = {}
    for problem in problems:
        for topic, worst in checker(problem):
            if topic not in found or worst.share > found[topic][0].share:
                found[topic] = worst, problem
    for topic, (worst, problem) in found.items():
        yield Check(isa, topic, problem.x.dtype.name, str(problem.cell), problem.shape, *worst)


def main() -> int:
    """Print every check and, at the end, how many there were."""
    count = 0
    set_num_threads(1)  # small problems; what needs more threads asks for them
    for check in checks():
        print(json.dumps(check), flush=True)
        count += 1
    print(json.dumps({"count": count}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
