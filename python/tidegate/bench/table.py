"""A report as text: rows as they are measured, the summary, a comparison; and as Markdown."""

from tidegate.bench.baseline import Comparison
from tidegate.bench.case import PASSES, Case
from tidegate.bench.engines import OURS
from tidegate.bench.report import BUSY, Report, Row
from tidegate.bench.summary import best_ratio, summarise

_WORDS = {"absent": "-", "wrong": "WRONG", "failed": "failed"}
_PEER_WIDTH = 16
CAPTION = (
    "best times in ms; limit, peak: percent of the least time that this machine allows, and of "
    "its peak\nof multiply-adds; x: how many times longer a peer takes than tidegate, and the "
    "least of those"
)


class TextTable:
    """Lines of fixed width, so that rows can be printed one by one."""

    def __init__(self, cases: list[Case], peers: list[str]) -> None:
        self._label_width = max((len(case.label) for case in cases), default=4)
        self._peers = peers

    def header(self) -> str:
        """Return the first line."""
        peers = "".join(f"{peer:>{_PEER_WIDTH}}" for peer in self._peers)
        return (
            f"{'case':<{self._label_width}} {'tidegate':>9} {'limit':>6} {'peak':>6}{peers}  least"
        )

    def row(self, report: Report, row: Row) -> str:
        """Return the line of one case."""
        line = f"{row.case.label:<{self._label_width}} {_ours(row):>9}"
        for percent in (report.percent_of_limit(row), report.percent_of_peak(row)):
            line += f" {_percent(percent):>6}"
        for peer in self._peers:
            line += f"{_peer(row, peer):>{_PEER_WIDTH}}"
        best = row.best_peer()
        return line + (f"  {best[1]:.2f}x {best[0]}" if best else "")


def _ours(row: Row) -> str:
    timing = row.timing()
    return _WORDS[row.outcomes[OURS].status] if timing is None else _ms(timing.best)


def _peer(row: Row, peer: str) -> str:
    """Return such as "12.3 1.52x"."""
    timing, ratio = row.timing(peer), row.ratio(peer)
    if timing is None or ratio is None:
        outcome = row.outcomes.get(peer)
        return _WORDS[outcome.status] if outcome else "-"
    return f"{_ms(timing.best)} {ratio:5.2f}x"


def _ms(seconds: float) -> str:
    """Return milliseconds in three digits.

    Examples
    --------
    >>> _ms(0.01234), _ms(0.0000567)
    ('12.3', '0.0567')
    """
    digits = f"{1e3 * seconds:.3g}"
    return f"{float(digits):.0f}" if "e" in digits else digits


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} %"


def faults(row: Row) -> list[str]:
    """Return a line for everything that went wrong in a case."""
    lines = []
    for engine, outcome in row.outcomes.items():
        if outcome.status == "wrong":
            what = f"computes something else than tidegate and was not timed: {outcome.reason}"
        elif outcome.status == "failed":
            what = f"failed: {outcome.reason}"
        else:
            continue
        lines.append(f"{row.case.label}: {engine} {what}")
    return lines


def summary_text(report: Report) -> str:
    """Return, per pass, how tidegate stands beside its peers."""
    lines = []
    for summary in summarise(report):
        least = summary.smallest
        best = least.best_peer()
        assert best is not None
        lines.append(
            f"{summary.pass_name}: {_count(len(summary.rows))}; the best peer takes "
            f"{summary.mean:.2f} times longer (geometric mean), at least {best[1]:.2f} times "
            f"({best[0]}, {least.case.label})"
        )
        for peer, (count, mean) in summary.peers.items():
            lines.append(f"  {peer}: {mean:.2f} times longer over {_count(count)}")
        slower = [row for row in summary.rows if best_ratio(row) < 1]
        if slower:
            lines.append(f"  a peer is quicker in {_count(len(slower))}:")
            lines += [f"    {best_ratio(row):.2f} {row.case.label}" for row in slower]
    busy, rounds = report.busy_rounds()
    if busy:
        lines.append(
            f"the machine was busy in {busy} of {rounds} rounds (FMA peak below "
            f"{BUSY:.0%} of the best): run again when it is quiet"
        )
    silicon = report.silicon
    lines.append(
        f"measured peaks: float32 {silicon.fma['float32']:.0f}, "
        f"float64 {silicon.fma['float64']:.0f} GFLOP/s; reads "
        + ", ".join(f"{name} {rate:.0f}" for name, rate in report.level_rates().items())
        + " GB/s"
    )
    return "\n".join(lines)


def _count(cases: int) -> str:
    return "1 case" if cases == 1 else f"{cases} cases"


def comparison_text(comparison: Comparison) -> str:
    """Return a line per case, and the geometric means."""
    if not comparison.changes:
        return "baseline: no case of this run is in it"
    width = max(len(change.label) for change in comparison.changes)
    lines = [f"{_compared(comparison)}: how many times quicker now", f"{'':<{width}}   best median"]
    lines += [f"{c.label:<{width}} {c.best:6.2f} {c.median:6.2f}" for c in comparison.changes]
    best, middle = comparison.means()
    lines.append(f"{'geometric mean':<{width}} {best:6.2f} {middle:6.2f}")
    lines += [f"note: {difference}" for difference in comparison.differences]
    return "\n".join(lines)


def _compared(comparison: Comparison) -> str:
    now, before = comparison.threads
    if now == before:
        return "beside the baseline"
    return f"{_threads(now)} beside {_threads(before)} of the baseline"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def markdown(report: Report) -> str:
    """Return one Markdown table per pass, and what it was measured on."""
    machine = report.machine
    versions = [f"{engine} {packages[engine]}" for engine, packages in report.versions.items()]
    lines = [
        f"{machine['cpu']}, {report.threads} threads, ISA level {machine['tidegate']['isa']}; "
        f"{', '.join(versions)}."
    ]
    for name in PASSES:
        rows = [row for row in report.rows if row.case.pass_name == name]
        if not rows:
            continue
        peers = [peer for peer in report.peers if any(row.timing(peer) for row in rows)]
        heads = [f"{name}, (T, B, I, H)", "ms", "of limit", "of peak", *peers]
        lines += ["", _markdown_row(heads), "|---" * len(heads) + "|"]
        for row in rows:
            label = row.case.label.replace(f" {name}", "")
            cells = [label, _ours(row), _percent(report.percent_of_limit(row))]
            cells.append(_percent(report.percent_of_peak(row)))
            ratios = [row.ratio(peer) for peer in peers]
            cells += ["-" if ratio is None else f"{ratio:.2f}×" for ratio in ratios]
            lines.append(_markdown_row(cells))
    return "\n".join(lines)


def _markdown_row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
