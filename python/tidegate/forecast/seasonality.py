"""Find the season of a series: the period whose mean cycle forecasts later cycles.

For each candidate period m the trend (a centred mean over m steps) is taken away; the mean cycle of
the earlier half of the steps is then compared with the later half:

    strength(m) = 1 - Σ (later - cycle)² / Σ later²

A cycle that is noise does not repeat and scores about 0 or less. The slow wander of a random walk
can look like a cycle, but its steps cannot: so the smaller strength counts, of the series and of
its differences.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tidegate.forecast.timeaxis import DAY, HOUR, MINUTE, WEEK, YEAR, TimeAxis

Floats = npt.NDArray[np.float64]

LONGEST = 400
WEAKEST = 0.15
_NEARLY = 0.9  # of the best strength: then the shorter period, of which the best is a multiple
_CYCLES = 4  # a period must fit this often into the series


def detect_season(filled: Floats, axis: TimeAxis, longest: int = LONGEST) -> int:
    """Return the season of a series without gaps, 1 if there is none.

    Parameters
    ----------
    filled : (n,) float64
        Only what training may see.
    axis : TimeAxis
        With times, only periods of the calendar are tried (hour, day, week, year).
    longest : int
        No longer period is tried.

    Examples
    --------
    >>> detect_season(np.tile([1.0, 2.0, 4.0, 3.0], 20), TimeAxis())
    4
    """
    candidates = _calendar_periods(axis) if axis.kind != "index" else range(2, LONGEST + 1)
    most = min(longest, len(filled) // _CYCLES)
    steps = np.diff(filled)
    found = {m: min(strength(filled, m), strength(steps, m)) for m in candidates if m <= most}
    if not found or max(found.values()) < WEAKEST:
        return 1
    best = max(found, key=lambda m: found[m])
    shorter = [m for m in found if best % m == 0 and found[m] >= _NEARLY * found[best]]
    return min(shorter)


def strength(filled: Floats, period: int) -> float:
    """Return how well the mean cycle of the earlier half describes the later half, at most 1."""
    kernel = np.ones(period + 1 - period % 2)
    if period % 2 == 0:
        kernel[[0, -1]] = 0.5
    trend = np.convolve(filled, kernel / period, mode="valid")
    start = (len(kernel) - 1) // 2
    rest = filled[start : start + len(trend)] - trend
    middle = len(rest) // 2
    earlier, later = rest[:middle], rest[middle:]
    counts = np.bincount(np.arange(middle) % period, minlength=period)
    sums = np.bincount(np.arange(middle) % period, weights=earlier, minlength=period)
    cycle = sums / np.maximum(counts, 1)
    power = float(np.sum(later**2))
    if power == 0:
        return 0.0
    return 1 - float(np.sum((later - cycle[np.arange(middle, len(rest)) % period]) ** 2)) / power


def _calendar_periods(axis: TimeAxis) -> Iterable[int]:
    """Return how many steps an hour, a day, a week and a year have, where that is 2 or more."""
    if axis.kind == "business":
        return [5]
    if axis.kind != "fixed":
        return [12 // axis.step] if axis.step < 12 and 12 % axis.step == 0 else []
    lengths = (MINUTE, HOUR, DAY, WEEK, YEAR)
    return [m for m in (int(length // axis.step) for length in lengths) if 2 <= m <= LONGEST]
