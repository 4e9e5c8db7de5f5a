"""The picture of a report: rooflines above, below them how many times longer each peer takes."""

from pathlib import Path
from typing import Any

from tidegate._extras import require
from tidegate.bench.case import PASSES
from tidegate.bench.engines import OURS, PEERS
from tidegate.bench.report import Report, Row

COLOURS = {
    OURS: "#202124",
    **dict(zip(PEERS, ("#d93025", "#1a73e8", "#188038", "#f29900", "#7b5ea7"), strict=True)),
}
ROOF = "#9aa0a6"
_ROOFLINE_HEIGHT, _ROW_HEIGHT = 4.5, 0.19  # inches


def draw(report: Report) -> Any:
    """Return a matplotlib Figure: a column per pass."""
    figure_class = require("matplotlib.figure", extra="bench", purpose="--picture").Figure
    columns = {
        name: rows
        for name in PASSES
        if (rows := [row for row in report.rows if row.case.pass_name == name and row.timing()])
    }
    most = max(map(len, columns.values()), default=1)
    heights = [_ROOFLINE_HEIGHT, 1 + _ROW_HEIGHT * most]
    figure = figure_class(figsize=(7.5 * len(columns), sum(heights)), layout="constrained")
    axes = figure.subplots(2, len(columns), squeeze=False, height_ratios=heights)
    for column, (name, rows) in enumerate(columns.items()):
        _draw_roofline(axes[0, column], report, rows, name)
        _draw_ratios(axes[1, column], rows, report.peers)
    machine = report.machine
    figure.suptitle(
        f"{machine['cpu']}, {report.threads} threads, ISA level {machine['tidegate']['isa']}, "
        f"tidegate {machine['tidegate']['version']}"
    )
    return figure


def save(report: Report, path: Path) -> None:
    """Write the picture; the ending of the name says how (PNG, PDF, SVG)."""
    draw(report).savefig(path, dpi=110)


def _draw_roofline(ax: Any, report: Report, rows: list[Row], name: str) -> None:
    """Show rates over FLOPs per byte of weights, under the peak and the bandwidths."""
    intensity = {row.case: row.case.flops / report.limit(row.case).bytes for row in rows}
    left, right = 0.7 * min(intensity.values()), 1.5 * max(intensity.values())
    peak = report.silicon.fma["float32"]
    ax.axhline(peak, color=ROOF, lw=1)
    ax.text(right, peak, f"FMA peak {peak:.0f} GFLOP/s ", ha="right", va="bottom", fontsize=8)
    for level, rate in report.level_rates().items():
        ax.plot([left, peak / rate], [left * rate, peak], color=ROOF, lw=1)
        ax.text(left, left * rate, f" {level} {rate:.0f} GB/s", fontsize=8, va="bottom")
    for engine in (*report.peers, OURS):
        points = [(row, timing) for row in rows if (timing := row.timing(engine))]
        ax.scatter(
            [intensity[row.case] for row, _ in points],
            [1e-9 * row.case.flops / timing.best for row, timing in points],
            s=22 if engine == OURS else 9,
            color=COLOURS[engine],
            label=engine,
            zorder=3 if engine == OURS else 2,
            alpha=1 if engine == OURS else 0.6,
            linewidths=0,
        )
    ax.set(xscale="log", yscale="log", xlim=(left, right))
    ax.set_title(f"{name}: rate of the products", fontsize=10)
    ax.set_xlabel("FLOPs per byte of weights read")
    ax.set_ylabel("GFLOP/s")
    ax.legend(fontsize=8, frameon=False, loc="lower right")


def _draw_ratios(ax: Any, rows: list[Row], peers: list[str]) -> None:
    """Show a line per case with a dot per peer."""
    ax.axvline(1, color=COLOURS[OURS], lw=1)
    for peer in peers:
        points = [(k, r) for k, row in enumerate(rows) if (r := row.ratio(peer)) is not None]
        ax.scatter(
            [ratio for _, ratio in points],
            [place for place, _ in points],
            s=20,
            color=COLOURS[peer],
            label=peer,
            linewidths=0,
            zorder=2,
        )
    labels = [row.case.label.replace(f" {row.case.pass_name}", "") for row in rows]
    ax.set_yticks(range(len(rows)), labels, fontsize=7)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xscale("log")
    ax.grid(axis="both", color="#e8eaed", lw=0.7)
    ax.set_axisbelow(True)
    ax.set_title("times longer than tidegate (best times)", fontsize=10)
