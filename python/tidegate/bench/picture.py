"""The picture of a report: rooflines above, below them how many times longer each peer takes."""

from pathlib import Path
from typing import Any

from tidegate._extras import require
from tidegate.bench.case import PASSES
from tidegate.bench.engines import OURS, PEERS
from tidegate.bench.report import Report, Row

COLOURS = {
    OURS: "#202124",
    **dict(
        zip(
            PEERS,
            ("#d93025", "#e8a0a0", "#1a73e8", "#188038", "#f29900", "#7b5ea7"),
            strict=True,
        )
    ),
}
ROOF = "#9aa0a6"
_ROOFLINE_HEIGHT, _ROW_HEIGHT = 4.5, 0.19  # inches

# From fine to coarse, within each power of ten.
_RATIO_TICKS = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,))


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
        _draw_ratios(axes[1, column], report, rows)
    dots = [
        axes[0, 0].scatter([], [], s=22, color=COLOURS[engine], label=engine)
        for engine in (OURS, *report.peers)
    ]
    figure.legend(handles=dots, loc="outside lower center", ncols=len(dots), frameon=False)
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
    left, right = 0.3 * min(intensity.values()), 1.5 * max(intensity.values())
    peak = report.silicon.fma["float32"]
    for dtype in sorted({row.case.dtype for row in rows}):
        rate = report.silicon.fma[dtype]
        ax.axhline(rate, color=ROOF, lw=1, ls="-" if dtype == "float32" else ":")
        text = f"FMA peak, {dtype}: {rate:.0f} GFLOP/s "
        ground = {"facecolor": "w", "alpha": 0.7, "linewidth": 0, "pad": 0.5}
        ax.text(right, rate, text, ha="right", va="bottom", fontsize=8, bbox=ground, zorder=4)
    rates = report.level_rates()
    for rate in rates.values():
        ax.plot([left, peak / rate], [left * rate, peak], color=ROOF, lw=1)
    listed = ", ".join(f"{level} {rate:.0f}" for level, rate in rates.items())
    text = f"slopes, from above: {listed} GB/s"
    ax.text(0.98, 0.03, text, transform=ax.transAxes, ha="right", fontsize=8)
    for engine in (*report.peers, OURS):
        points = [(row, timing) for row in rows if (timing := row.timing(engine))]
        ax.scatter(
            [intensity[row.case] for row, _ in points],
            [1e-9 * row.case.flops / timing.best for row, timing in points],
            s=22 if engine == OURS else 9,
            color=COLOURS[engine],
            zorder=3 if engine == OURS else 2,
            alpha=1 if engine == OURS else 0.6,
            linewidths=0,
        )
    ax.set(xscale="log", yscale="log", xlim=(left, right))
    ax.set_title(f"{name}: rate of the products", fontsize=10)
    ax.set_xlabel("FLOPs per byte of weights read")
    ax.set_ylabel("GFLOP/s")


def _draw_ratios(ax: Any, report: Report, rows: list[Row]) -> None:
    """Show a line per case with a dot per peer, and tidegate's percent of the limit."""
    ax.axvline(1, color=COLOURS[OURS], lw=1)
    ax.set_xscale("log")
    for peer in report.peers:
        points = [(k, r) for k, row in enumerate(rows) if (r := row.ratio(peer)) is not None]
        ax.scatter(
            [ratio for _, ratio in points],
            [place for place, _ in points],
            s=20,
            color=COLOURS[peer],
            linewidths=0,
            zorder=2,
        )
    labels = [
        f"{row.case.label.replace(f' {row.case.pass_name}', '')}  "
        f"{report.percent_of_limit(row) or 0:.0f} %"
        for row in rows
    ]
    ax.set_yticks(range(len(rows)), labels, fontsize=7)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ticks = _ratio_ticks(*ax.get_xlim())
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.grid(axis="both", color="#e8eaed", lw=0.7)
    ax.set_axisbelow(True)
    title = "peers: times longer than tidegate; in percent: tidegate's share of the limit"
    ax.set_title(title, fontsize=9)


def _ratio_ticks(low: float, high: float) -> list[float]:
    """Return at most ten round numbers between two ratios, where that many will do."""
    ticks: list[float] = []
    for steps in _RATIO_TICKS:
        powers = (step * 10.0**power for power in range(-4, 6) for step in steps)
        ticks = [tick for tick in powers if low <= tick <= high]
        if len(ticks) <= 10:
            break
    return ticks
