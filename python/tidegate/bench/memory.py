"""Peak memory of a case beside the peers: what an engine needs beyond the arrays it is given.

Each engine and case gets a process of its own, because memory that one case left behind serves the
next. Reads Linux's /proc.
"""

import ctypes
import gc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tidegate.bench.case import Case
from tidegate.bench.engines import OURS, engine_class
from tidegate.bench.engines.engine import Engine
from tidegate.bench.problem import Problem
from tidegate.bench.process import Worker, WorkerError

SIZES = (200, 64, 256, 512)
CASES = tuple(
    Case(kind, training, *SIZES) for training in (True, False) for kind in ("lstm", "gru")
)
RUNS = 3


def resident_bytes() -> int:
    """Return the memory of this process that is in use now."""
    return _status("VmRSS")


def peak_growth(run: Callable[[], Any]) -> int:
    """Return by how many bytes this process grew, at most, while `run` ran.

    Examples
    --------
    >>> import numpy as np
    >>> 30e6 < peak_growth(lambda: np.ones(8_000_000, np.float32)) < 40e6
    True
    """
    give_back()
    before = resident_bytes()
    return _peak_of(run) - before


def give_back() -> None:
    """Return freed memory to the system, so that what is used again counts as used."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc
    if trim is not None:
        trim(0)


def peak_of_case(engine: Engine, case: Case) -> int:
    """Return the peak of an engine above its libraries and the arrays of a case, in this process.

    Its copies of the weights, what it packs, saves and returns, and the gradients all count. A call
    at a small size loads what comes with a first call, and a first call of the case itself
    compiles, if the engine does that; neither counts.
    """
    engine.prepare(Problem.of(replace(case, steps=2, batch=2, inputs=4, hidden=8))).run()
    problem = Problem.of(case)
    give_back()
    before = resident_bytes()
    prepared = engine.prepare(problem)
    prepared.run()

    def again() -> None:
        for _ in range(RUNS):
            prepared.run()

    return _peak_of(again) - before


def _peak_of(run: Callable[[], Any]) -> int:
    """Return the highest resident memory of this process while `run` ran."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from what is in use now
    run()
    return _status("VmHWM")


def _status(name: str) -> int:
    """Return a value of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"bench.memory: /proc/self/status has no {name}; expected Linux's.")


@dataclass(frozen=True)
class MemoryRow:
    """One case.

    Attributes
    ----------
    case : Case
    peaks : dict of int
        Bytes by engine, of those that have the case.
    absent : dict of str
        Why the others have none.
    """

    case: Case
    peaks: dict[str, int]
    absent: dict[str, str]


def measure(case: Case, peers: Sequence[str], threads: int, timeout: float = 900.0) -> MemoryRow:
    """Measure tidegate and the peers."""
    row = MemoryRow(case, {}, {})
    for name in (OURS, *peers):
        refusal = engine_class(name).refusal(case)
        if refusal is not None:
            row.absent[name] = refusal
            continue
        try:
            worker = Worker(name, threads, timeout)
            try:
                row.peaks[name] = worker.ask("peak_memory", case=asdict(case))
            finally:
                worker.close()
        except WorkerError as error:
            row.absent[name] = str(error)
    return row


def table(rows: Sequence[MemoryRow]) -> str:
    """Return the rows as text: megabytes, and tidegate's share of each peer's."""
    engines = list(dict.fromkeys(name for row in rows for name in (*row.peaks, *row.absent)))
    width = max(len(row.case.label) for row in rows)
    lines = ["peak memory beyond the given arrays, MB, and tidegate's share of it"]
    lines += [" " * width + "".join(f"{name:>15}" for name in engines)]
    for row in rows:
        cells = "".join(f"{_cell(row, name):>15}" for name in engines)
        lines += [f"{row.case.label:<{width}}{cells}"]
    reasons = {f"{name}: {reason}" for row in rows for name, reason in row.absent.items()}
    return "\n".join(lines + sorted(reasons))


def _cell(row: MemoryRow, engine: str) -> str:
    """Return one number of the table, such as "409 (0.47)"."""
    if engine not in row.peaks:
        return "-"
    text = f"{row.peaks[engine] / 1e6:.0f}"
    if engine == OURS or OURS not in row.peaks:
        return text
    return f"{text} ({row.peaks[OURS] / max(1, row.peaks[engine]):.2f})"
