"""`tidegate bench --schedules`: the engine's choice of a schedule beside its alternatives, timed.

Each pass over a layer has a schedule of its own: how many threads, slices of the batch or of the
hidden units, and how many steps of input projection at once. "inference" and "saving" are forward
passes, the second keeps what "backward" needs; training is the sum of the last two.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tidegate._loader import core
from tidegate.bench import suites
from tidegate.bench.case import KINDS, Case
from tidegate.forecast.errors import InputError

SCHEMA = 1
TRIAL_PASSES = {"inference": ("inference",), "training": ("saving", "backward")}
TIMED = ("inference", "saving", "backward")
TRIAL_KINDS = ("lstm", "gru", "rnn")


@dataclass(frozen=True)
class Alternative:
    """One way to divide a pass.

    Attributes
    ----------
    threads, batch_slices, hidden_slices : int
    chunk : int
        Steps whose inputs are projected at once; means nothing to a backward pass.
    estimated_ns : float
        By the cost model.
    chosen : bool
        By the cost model, when this was listed.
    seconds : float
        The least time; infinity before it is measured.
    """

    threads: int
    batch_slices: int
    hidden_slices: int
    chunk: int
    estimated_ns: float
    chosen: bool
    seconds: float = math.inf

    @property
    def text(self) -> str:
        """Such as "2 units 50": threads, what is divided between them, chunk."""
        divided = "batch" if self.batch_slices > 1 else "units" if self.hidden_slices > 1 else "-"
        both = self.batch_slices > 1 and self.hidden_slices > 1
        return f"{self.threads} {'both' if both else divided} {self.chunk}"


@dataclass(frozen=True)
class Trial:
    """The alternatives of one pass over one shape."""

    case: Case
    pass_name: str
    alternatives: list[Alternative]

    @property
    def best(self) -> Alternative:
        """The quickest."""
        return min(self.alternatives, key=lambda one: one.seconds)

    @property
    def chosen(self) -> Alternative:
        """The one that was the choice when this was measured."""
        return next(one for one in self.alternatives if one.chosen)

    def nearest(self, choice: Alternative) -> Alternative:
        """Return what was measured of a choice: the same slices and the nearest chunk.

        Raises
        ------
        LookupError
            Nothing with these slices, or within a factor of four of the chunk, was measured.
        """
        alike = [
            one
            for one in self.alternatives
            if (one.threads, one.batch_slices) == (choice.threads, choice.batch_slices)
        ]
        if alike:
            found = min(alike, key=lambda one: abs(math.log(one.chunk / choice.chunk)))
            if self.pass_name == "backward" or 0.25 <= found.chunk / choice.chunk <= 4:
                return found
        raise LookupError(
            f"{self.case.label}, {self.pass_name}: {choice.text} was not measured; run "
            "`tidegate bench --schedules` again."
        )


@dataclass(frozen=True)
class Trials:
    """A whole run: see `tidegate.bench.machine.describe` for the machine."""

    machine: dict[str, Any]
    threads: int
    rounds: int
    seconds: float
    trials: list[Trial]


def cases(kinds: Sequence[str] = tuple(KINDS), only: str = "") -> list[Case]:
    """Return the inference cases of *standard* with one layer, one direction and float32.

    Without the ragged batch, since trials know no lengths, and its padded twin.
    """
    return [
        case
        for case in suites.select("standard", ["inference"], kinds, only)
        if case.kind in TRIAL_KINDS
        and case.layers == case.directions == 1
        and case.dtype == "float32"
        and (case.steps, case.batch, case.inputs, case.hidden) != suites.RAGGED
    ]


def open_trial(case: Case, threads: int) -> Any:
    """Return the core's ScheduleTrial of a case; it makes its arrays when it is first timed."""
    sizes = (case.steps, case.batch, case.inputs, case.hidden)
    return core.ScheduleTrial(case.cell.cell, *sizes, threads)


def listed(trial: Any, pass_name: str) -> list[Alternative]:
    """Return the alternatives of a ScheduleTrial, the choice first."""
    return [Alternative(**entry) for entry in trial.alternatives(pass_name)]


def measure(case: Case, threads: int, rounds: int, seconds: float) -> list[Trial]:
    """Time all alternatives of a case, interleaved over rounds.

    Parameters
    ----------
    case : Case
    threads : int
        The most that a schedule may take.
    rounds : int
    seconds : float
        Per pass and round, for all alternatives together; each runs at least once.
    """
    trial = open_trial(case, threads)
    found = {name: listed(trial, name) for name in TIMED}
    best: dict[tuple[str, int], float] = {}
    # Rounds go over all passes: memory and clock settle within the first seconds of a case.
    for number in range(rounds):
        for name, alternatives in found.items():
            count = len(alternatives)
            for place in range(number, number + count):
                time = trial.best_seconds(name, place % count, seconds / count)
                key = name, place % count
                best[key] = min(time, best.get(key, math.inf))
    return [
        Trial(case, name, [replace(one, seconds=best[name, k]) for k, one in enumerate(listing)])
        for name, listing in found.items()
    ]


def to_json(run: Trials) -> str:
    """Return the text of the file: a line per alternative."""
    entries = []
    for trial in run.trials:
        lines = ",\n   ".join(json.dumps(asdict(one)) for one in trial.alternatives)
        case, name = json.dumps(asdict(trial.case)), json.dumps(trial.pass_name)
        entries.append(
            f'  {{"case": {case},\n   "pass_name": {name}, "alternatives": [\n   {lines}]}}'
        )
    head = {"schema": SCHEMA, "machine": run.machine, "threads": run.threads}
    head |= {"rounds": run.rounds, "seconds": run.seconds}
    opened = json.dumps(head, indent=1)[:-2]
    return f'{opened},\n "trials": [\n' + ",\n".join(entries) + "\n ]\n}\n"


def from_json(text: str) -> Trials:
    """Return the run that `to_json` wrote."""
    whole = json.loads(text)
    if whole["schema"] != SCHEMA:
        raise ValueError(f"schema is {whole['schema']!r}; expected {SCHEMA}")
    trials = [
        Trial(
            Case(**entry["case"]),
            entry["pass_name"],
            [Alternative(**one) for one in entry["alternatives"]],
        )
        for entry in whole["trials"]
    ]
    return Trials(whole["machine"], whole["threads"], whole["rounds"], whole["seconds"], trials)


def save(run: Trials, path: Path) -> None:
    """Write the file of `--output`."""
    try:
        path.write_text(to_json(run), encoding="utf-8")
    except OSError as error:
        raise InputError(f"--output {path}: {error.strerror}.") from None
