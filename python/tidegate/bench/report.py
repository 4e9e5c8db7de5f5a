"""The result of a run, and its file."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from tidegate.bench.case import Case
from tidegate.bench.engines import DROP_IN, OURS
from tidegate.bench.limits import Limit, limit
from tidegate.bench.memory import MemoryRow
from tidegate.bench.probes import Silicon
from tidegate.forecast.errors import InputError

SCHEMA = 1
BUSY = 0.9  # of the best peak of multiply-adds: below it, a round was disturbed


@dataclass(frozen=True)
class Timing:
    """Seconds of single runs over all rounds, and the most CPUs that a round kept busy."""

    best: float
    median: float
    count: int
    cpus: float

    @classmethod
    def of(cls, times: list[float], cpus: float) -> "Timing":
        """Summarise."""
        return cls(min(times), median(times), len(times), cpus)


@dataclass(frozen=True)
class Outcome:
    """What became of one engine in one case.

    Attributes
    ----------
    status : str
        "timed"; "absent": the engine has no such case; "wrong": its result differs from
        tidegate's, so it was not timed; "failed": it raised or died.
    reason : str
        Of everything but "timed".
    timing : Timing, optional
    deviation : float, optional
        Of its result from tidegate's, relative to the largest element.
    """

    status: str
    reason: str = ""
    timing: Timing | None = None
    deviation: float | None = None


@dataclass(frozen=True)
class Row:
    """One case: an outcome for every engine, and what the silicon gave in each round."""

    case: Case
    outcomes: dict[str, Outcome]
    silicon: list[Silicon] = field(default_factory=list)

    def timing(self, engine: str = OURS) -> Timing | None:
        """Return the timing of an engine."""
        outcome = self.outcomes.get(engine)
        return outcome.timing if outcome else None

    def ratio(self, engine: str, *, by: str = "best") -> float | None:
        """Return how many times longer an engine takes than tidegate, by best or median."""
        ours, other = self.timing(), self.timing(engine)
        if ours is None or other is None:
            return None
        quotient: float = getattr(other, by) / getattr(ours, by)
        return quotient

    def best_peer(self) -> tuple[str, float] | None:
        """Return the quickest peer and its ratio; a drop-in of ours is none."""
        ratios = {peer: self.ratio(peer) for peer in self.outcomes if peer not in (OURS, DROP_IN)}
        known = {peer: ratio for peer, ratio in ratios.items() if ratio is not None}
        return min(known.items(), key=lambda item: item[1]) if known else None


@dataclass(frozen=True)
class Report:
    """A whole run.

    Attributes
    ----------
    machine : dict
        See `tidegate.bench.machine.describe`.
    caches : list of dict
        name, size, instances, bytes_per_thread.
    versions : dict of str to dict
        Packages of every engine.
    threads : int
    options : dict
        suite, rounds, seconds and so on, as asked for.
    silicon : Silicon
        The best of all rounds.
    rows : list of Row
    memory : list of MemoryRow
    """

    machine: dict[str, Any]
    caches: list[dict[str, Any]]
    versions: dict[str, dict[str, str]]
    threads: int
    options: dict[str, Any]
    silicon: Silicon
    rows: list[Row] = field(default_factory=list)
    memory: list[MemoryRow] = field(default_factory=list)

    def with_row(self, row: Row) -> "Report":
        """Return the report with one more row, whose rounds may have seen better silicon."""
        silicon = self.silicon
        for seen in row.silicon:
            silicon = silicon.best(seen)
        return replace(self, silicon=silicon, rows=[*self.rows, row])

    @property
    def peers(self) -> list[str]:
        """The engines beside tidegate."""
        return [engine for engine in self.versions if engine != OURS]

    def busy_rounds(self) -> tuple[int, int]:
        """Return in how many rounds something else had the CPUs, by the FMA peak, and of how many.

        Such a round disturbs all engines alike, but not their best times alike.
        """
        peaks = [silicon.fma["float32"] for row in self.rows for silicon in row.silicon]
        busy = [peak for peak in peaks if peak < BUSY * self.silicon.fma["float32"]]
        return len(busy), len(peaks)

    def level_rates(self) -> dict[str, float]:
        """Return GB/s of every cache level, in the middle of its sizes, and of memory."""
        rates: dict[str, float] = {}
        below = 0
        for cache in self.caches:
            size = cache["bytes_per_thread"]
            rates[cache["name"]] = self.silicon.bandwidth(((below or size / 4) * size) ** 0.5)
            below = size
        return rates | {"memory": self.silicon.bandwidth(max(self.silicon.read))}

    def limit(self, case: Case) -> Limit:
        """Return the least time of a case on this machine."""
        return limit(case, self.silicon, self.threads)

    def percent_of_limit(self, row: Row, engine: str = OURS) -> float | None:
        """Return the limit over the best time."""
        timing = row.timing(engine)
        return None if timing is None else 100 * self.limit(row.case).seconds / timing.best

    def percent_of_peak(self, row: Row, engine: str = OURS) -> float | None:
        """Return the rate of the products over the peak of multiply-adds."""
        timing = row.timing(engine)
        if timing is None:
            return None
        return 100 * row.case.flops / timing.best / 1e9 / self.silicon.fma[row.case.dtype]


def to_json(report: Report) -> str:
    """Return the text of a report's file."""
    rows = []
    for row in report.rows:
        bound = report.limit(row.case)
        outcomes = {}
        for engine, outcome in row.outcomes.items():
            outcomes[engine] = asdict(outcome) | {
                "percent_of_limit": report.percent_of_limit(row, engine),
                "percent_of_peak": report.percent_of_peak(row, engine),
                "ratio": row.ratio(engine),
                "ratio_by_median": row.ratio(engine, by="median"),
            }
        rows.append(
            {
                "label": row.case.label,
                "case": asdict(row.case),
                "flops": row.case.flops,
                "limit": asdict(bound),
                "engines": outcomes,
                "silicon": [silicon.to_json() for silicon in row.silicon],
            }
        )
    whole = {
        "schema": SCHEMA,
        "machine": report.machine,
        "caches": report.caches,
        "versions": report.versions,
        "threads": report.threads,
        "options": report.options,
        "silicon": report.silicon.to_json(),
        "rows": rows,
        "memory": [asdict(row) for row in report.memory],
    }
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"


def from_json(text: str) -> Report:
    """Return the report that `to_json` wrote; percentages and ratios are worked out anew."""
    whole = json.loads(text)
    if whole["schema"] != SCHEMA:
        raise ValueError(f"schema is {whole['schema']!r}; expected {SCHEMA}")
    return Report(
        whole["machine"],
        whole["caches"],
        whole["versions"],
        int(whole["threads"]),
        whole["options"],
        Silicon.from_json(whole["silicon"]),
        [_row(row) for row in whole["rows"]],
        [MemoryRow(Case(**row["case"]), row["peaks"], row["absent"]) for row in whole["memory"]],
    )


def _row(given: dict[str, Any]) -> Row:
    outcomes = {}
    for engine, entry in given["engines"].items():
        timing = None if entry["timing"] is None else Timing(**entry["timing"])
        outcomes[engine] = Outcome(entry["status"], entry["reason"], timing, entry["deviation"])
    return Row(
        Case(**given["case"]), outcomes, [Silicon.from_json(one) for one in given["silicon"]]
    )


def load(option: str, path: Path) -> Report:
    """Read a report's file; an InputError says what is wrong with it."""
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{option} {path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        kind = type(error).__name__
        raise InputError(
            f"{option} {path}: is not a report of this version of `tidegate bench --output` "
            f"({kind}: {error})."
        ) from None
