"""Two runs of tidegate compared, before and after a change."""

from dataclasses import dataclass

from tidegate.bench.report import Report
from tidegate.bench.summary import geometric_mean


@dataclass(frozen=True)
class Change:
    """How many times quicker tidegate became in one case; above 1 is quicker."""

    label: str
    best: float
    median: float


@dataclass(frozen=True)
class Comparison:
    """Of a run with an earlier one.

    Attributes
    ----------
    changes : list of Change
        Of the cases that both have.
    threads : tuple of int
        Now and before.
    differences : list of str
        What else differs between the runs, so that the ratios may not be due to the engine.
    """

    changes: list[Change]
    threads: tuple[int, int]
    differences: list[str]

    def means(self) -> tuple[float, float]:
        """Return the geometric means by best and by median."""
        return (
            geometric_mean(change.best for change in self.changes),
            geometric_mean(change.median for change in self.changes),
        )


def compare(now: Report, before: Report) -> Comparison:
    """Compare two runs of tidegate; peers play no part."""
    earlier = {row.case: timing for row in before.rows if (timing := row.timing())}
    changes = []
    for row in now.rows:
        new, old = row.timing(), earlier.get(row.case)
        if new is not None and old is not None:
            changes.append(Change(row.case.label, old.best / new.best, old.median / new.median))
    facts = {
        "CPU": (before.machine.get("cpu"), now.machine.get("cpu")),
        "ISA level": (_isa(before), _isa(now)),
    }
    differences = [
        f"{what}: {old} before, {new} now" for what, (old, new) in facts.items() if old != new
    ]
    old_peak, new_peak = (run.silicon.fma["float32"] / run.threads for run in (before, now))
    if not 0.95 < new_peak / old_peak < 1.05:
        differences.append(
            f"FMA peak of a thread: {old_peak:.0f} GFLOP/s before, {new_peak:.0f} now"
        )
    return Comparison(changes, (now.threads, before.threads), differences)


def _isa(report: Report) -> object:
    return report.machine.get("tidegate", {}).get("isa")
