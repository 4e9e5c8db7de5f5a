"""The picture of *scaling*: a panel for each of T, B, I, H and the layers, a row for each base."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tidegate._extras import require
from tidegate.bench.case import PASSES, Case
from tidegate.bench.engines import OURS
from tidegate.bench.picture import COLOURS, ROOF
from tidegate.bench.report import Report, Row
from tidegate.bench.scaling import BASES, KINDS, Axis

Line = list[tuple[int, float]]  # what grows, µs per step and sequence
_PANEL = (2.7, 2.3)  # inches


def draw(report: Report, before: Report | None = None) -> Any:
    """Return a matplotlib Figure.

    Parameters
    ----------
    report : Report
        Of the suite *scaling*; rows without a measured case are left out.
    before : Report, optional
        Drawn as a dashed line of tidegate, such as a run with another number of threads.
    """
    figure_class = require("matplotlib.figure", extra="bench", purpose="--picture").Figure
    rows = _rows(report)
    columns = max(map(len, BASES.values()))
    size = (_PANEL[0] * columns, 0.9 + _PANEL[1] * len(rows))
    figure = figure_class(figsize=size, layout="constrained")
    panels = figure.subplots(len(rows), columns, squeeze=False, sharey="row")
    for row, (base, axes) in zip(panels, rows, strict=True):
        for ax, axis in zip(row, axes, strict=True):
            _draw_panel(ax, axis, lines(report, before, base, axis))
            ax.axvline(axis.of(base), color="#e8eaed", lw=4, zorder=0)
        label = base.label.replace(" (", "\n(")
        row[0].set_ylabel(f"{label}\nµs per step and sequence", fontsize=8)
    for ax, axis in zip(panels[0], rows[0][1], strict=True):
        ax.set_title(axis.name, fontsize=10)
    handles = [
        panels[0, 0].plot([], [], **_style(name), label=name)[0] for name in _names(report, before)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    info = report.machine
    figure.suptitle(
        f"one size grows from the base of its row (grey): {info['cpu']}, {report.threads} threads, "
        f"ISA level {info['tidegate']['isa']}, tidegate {info['tidegate']['version']}",
        fontsize=11,
    )
    return figure


def save(report: Report, path: Path, before: Report | None = None) -> None:
    """Write the picture; the ending of the name says how (PNG, PDF, SVG)."""
    draw(report, before).savefig(path, dpi=110)


def lines(report: Report, before: Report | None, base: Case, axis: Axis) -> dict[str, Line]:
    """Return a line for the limit, each engine and tidegate before, through the timed cases."""
    cases = axis.series(base)
    rows = {row.case: row for row in report.rows}
    earlier = {row.case: row for row in before.rows} if before else {}

    def line(seconds_of: Callable[[Case], float | None]) -> Line:
        points = [(case, seconds_of(case)) for case in cases]
        scale = {case: 1e6 / (case.steps * case.batch) for case in cases}
        return [(axis.of(case), scale[case] * s) for case, s in points if s is not None]

    found = {"limit": line(lambda case: report.limit(case).seconds if case in rows else None)}
    for peer in report.peers:
        found[peer] = line(partial(_best, rows, peer))
    if before is not None:
        found[_before(before)] = line(partial(_best, earlier, OURS))
    return found | {OURS: line(partial(_best, rows, OURS))}


def _best(rows: Mapping[Case, Row], engine: str, case: Case) -> float | None:
    timing = rows[case].timing(engine) if case in rows else None
    return timing.best if timing else None


def _rows(report: Report) -> list[tuple[Case, tuple[Axis, ...]]]:
    """Return the bases around which anything was timed, and their axes."""
    timed = {row.case for row in report.rows if row.timing()}
    bases = [
        (Case(kind, name == "training", *sizes), axes)
        for kind in KINDS
        for name in PASSES
        for sizes, axes in BASES.items()
    ]
    return [
        (base, axes)
        for base, axes in bases
        if any(timed.intersection(axis.series(base)) for axis in axes)
    ]


def _names(report: Report, before: Report | None) -> list[str]:
    """Return the names of all lines, in the order of the legend."""
    return ["limit", *report.peers, *([_before(before)] if before else []), OURS]


def _before(before: Report) -> str:
    return f"{OURS}, baseline ({before.threads} thread{'s' if before.threads > 1 else ''})"


def _style(name: str) -> dict[str, Any]:
    if name == "limit":
        return {"color": ROOF, "lw": 1.5}
    if name == OURS:
        return {"color": COLOURS[OURS], "lw": 1.5, "marker": "o", "ms": 3, "zorder": 3}
    if name.startswith(OURS):
        return {"color": COLOURS[OURS], "lw": 1, "ls": "--"}
    return {"color": COLOURS[name], "lw": 1, "marker": "o", "ms": 2}


def _draw_panel(ax: Any, axis: Axis, found: dict[str, Line]) -> None:
    """Draw the lines of one series."""
    for name, line in found.items():
        if line:
            ax.plot(*zip(*line, strict=True), **_style(name))
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(axis.values, [str(value) for value in axis.values], fontsize=7)
    ax.tick_params(axis="y", labelsize=7)
    ax.minorticks_off()
    ax.grid(color="#f1f3f4", lw=0.7)
    ax.set_axisbelow(True)
