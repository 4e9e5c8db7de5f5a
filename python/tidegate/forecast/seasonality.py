"""Find the season of a series. A period m must pass two tests, and the strongest one wins.

It repeats: the mean cycle of the earlier half of the steps, less the trend (a centred mean over m
steps), describes the later half:

    strength(m) = 1 - Σ (later - cycle)² / Σ later²

It is a line: in the spectrum of the differences (Hann taper), the power at 1/m, 2/m or 3/m stands
far above its neighbours. The wander of a random walk can repeat by chance, but has no lines.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tidegate.forecast.timeaxis import DAY, HOUR, MINUTE, WEEK, YEAR, TimeAxis

Floats = npt.NDArray[np.float64]

LONGEST = 400
_WEAKEST = 0.1
_NEARLY = 0.9  # of the best strength: then the shorter period, of which the best is a multiple
_CYCLES = 4  # a period must fit this often into the series
_FAR = 5.0  # quartile distances
_STANDS_OUT = 15.0  # times the median of the neighbours: noise does so once in 2^15 times
_NEAR, _BESIDE = 8, 2  # neighbours: within 8 bins, but not within 2, where the taper spreads a line


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
    if len(filled) < 2 * _CYCLES:
        return 1
    filled = _without_spikes(filled)
    candidates = _calendar_periods(axis) if axis.kind != "index" else range(2, LONGEST + 1)
    most = min(longest, len(filled) // _CYCLES)
    found = {m: strength(filled, m) for m in candidates if m <= most}
    power = _spectrum(filled)
    found = {m: s for m, s in found.items() if s >= _WEAKEST and _is_line(power, len(filled), m)}
    if not found:
        return 1
    best = max(found, key=lambda m: found[m])
    return min(m for m in found if best % m == 0 and found[m] >= _NEARLY * found[best])


def _without_spikes(filled: Floats) -> Floats:
    """Cut steps far beyond the middle half of all steps: a broken reading would hide any cycle."""
    steps = np.diff(filled)
    low, high = np.quantile(steps, [0.25, 0.75])
    reach = _FAR * (high - low)
    if reach == 0:
        return filled
    return np.cumsum(np.concatenate([filled[:1], steps.clip(low - reach, high + reach)]))


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
    rounding = 1e-12 * float(np.max(np.abs(filled)))
    if power <= rounding**2 * len(later):
        return 0.0
    return 1 - float(np.sum((later - cycle[np.arange(middle, len(rest)) % period]) ** 2)) / power


def _spectrum(filled: Floats) -> Floats:
    """Return the power of the differences, mean removed, at k/n for k = 0, 1, ... n/2."""
    steps = np.diff(filled, prepend=filled[0])
    return np.asarray(np.abs(np.fft.rfft((steps - steps.mean()) * np.hanning(len(steps)))) ** 2)


def _is_line(power: Floats, n: int, period: int) -> bool:
    """Tell whether the period or a half or third of it stands out of the spectrum."""
    harmonics = (round(j * n / period) for j in (1, 2, 3) if 2 * j <= period)
    return any(_prominence(power, k) >= _STANDS_OUT for k in harmonics)


def _prominence(power: Floats, k: int) -> float:
    """Return the power around bin k as a multiple of the median of its neighbours."""
    bins = np.arange(max(k - _NEAR, 1), min(k + _NEAR + 1, len(power)))
    beside = power[bins[np.abs(bins - k) > _BESIDE]]
    peak = float(power[max(k - 1, 1) : k + 2].max())
    floor = float(np.median(beside)) if beside.size else peak
    return peak / floor if floor > 0 else (np.inf if peak > 0 else 0.0)


def _calendar_periods(axis: TimeAxis) -> Iterable[int]:
    """Return how many steps an hour, a day, a week and a year have, where that is 2 or more."""
    if axis.kind == "business":
        return [5]
    if axis.kind != "fixed":
        return [12 // axis.step] if axis.step < 12 and 12 % axis.step == 0 else []
    lengths = (MINUTE, HOUR, DAY, WEEK, YEAR)
    return [m for m in (int(length // axis.step) for length in lengths) if 2 <= m <= LONGEST]
