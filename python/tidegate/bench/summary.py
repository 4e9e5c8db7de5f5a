"""What a run comes to: per pass, how tidegate stands beside the best peer of every case."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.bench.case import PASSES
from tidegate.bench.report import Report, Row


@dataclass(frozen=True)
class Summary:
    """One pass.

    Attributes
    ----------
    pass_name : str
    rows : list of Row
        Cases in which a peer was timed.
    mean : float
        Geometric mean of the ratio to the best peer of each case.
    smallest : Row
        Where that ratio is least.
    peers : dict of str to (int, float)
        For every peer: how many cases, and the geometric mean of its ratio.
    """

    pass_name: str
    rows: list[Row]
    mean: float
    smallest: Row
    peers: dict[str, tuple[int, float]]


def summarise(report: Report) -> list[Summary]:
    """Return a summary of each pass in which a peer was timed."""
    summaries = []
    for name in PASSES:
        rows = [row for row in report.rows if row.case.pass_name == name and row.best_peer()]
        if not rows:
            continue
        peers = {}
        for peer in report.peers:
            ratios = [ratio for row in rows if (ratio := row.ratio(peer)) is not None]
            if ratios:
                peers[peer] = len(ratios), geometric_mean(ratios)
        mean = geometric_mean(map(best_ratio, rows))
        summaries.append(Summary(name, rows, mean, min(rows, key=best_ratio), peers))
    return summaries


def best_ratio(row: Row) -> float:
    """Return the ratio of the quickest peer."""
    best = row.best_peer()
    assert best is not None
    return best[1]


def geometric_mean(ratios: Iterable[float]) -> float:
    """Return exp of the mean logarithm.

    Examples
    --------
    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    logarithms = [math.log(ratio) for ratio in ratios]
    return math.exp(math.fsum(logarithms) / len(logarithms))
