"""Forecasts that need no training; a network is worth its cost only if it beats them.

With k = ceil(h / season) seasons back to the latest known value of the same kind:

    seasonal naive            y[o + h - k·season]
    seasonal naive + drift    y[o + h - k·season] + k·drift[o]

where `drift[o]` is the mean change over a season, in the latest `span` steps up to origin o.
Hyndman & Athanasopoulos, Forecasting: principles and practice, section 5.2.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidegate.forecast.series import Series

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def sources(origins: Ints, horizon: int, season: int) -> tuple[Ints, Ints]:
    """Say where the seasonal naive forecast looks.

    Parameters
    ----------
    origins : (N,) int64
        The last step that is known to each forecast.
    horizon, season : int

    Returns
    -------
    steps (N, horizon) int64, each <= its origin; seasons back (horizon,) int64

    Examples
    --------
    >>> sources(np.array([9]), horizon=3, season=2)
    (array([[8, 9, 8]]), array([1, 1, 2]))
    """
    lead = np.arange(1, horizon + 1)
    back = -(-lead // season)
    return origins[:, None] + lead - back * season, back


def seasonal_naive(series: Series, origins: Ints, horizon: int) -> Floats:
    """Repeat the last season: (N, horizon) float64 for N origins, each >= season - 1."""
    steps, _ = sources(origins, horizon, series.season)
    return series.filled[steps]


def drift(series: Series, origins: Ints, span: int) -> Floats:
    """Return the mean change over a season in the last `span` steps before each origin.

    Parameters
    ----------
    series : Series
    origins : (N,) int64
    span : int
        0 for no drift. A span that reaches back beyond the first change is cut there.

    Returns
    -------
    (N,) float64
    """
    if span == 0:
        return np.zeros(len(origins))
    total = np.concatenate([[0.0], np.cumsum(series.change)])
    end = origins + 1
    start = np.maximum(end - span, series.season)
    return np.asarray((total[end] - total[start]) / np.maximum(end - start, 1))


def seasonal_drift(series: Series, origins: Ints, horizon: int, span: int) -> Floats:
    """Repeat the last season and add the drift: (N, horizon) float64."""
    _, back = sources(origins, horizon, series.season)
    return seasonal_naive(series, origins, horizon) + np.outer(drift(series, origins, span), back)


def recent_span(season: int) -> int:
    """Return how many steps tell the present drift: a quarter of a season, at least 8."""
    return max(season // 4, 8)


def choose_span(series: Series, origins: Ints, horizon: int, spans: Sequence[int] = ()) -> int:
    """Pick the drift span that forecasts best from `origins`, which must be training origins.

    By default among none, the recent span, a season, four seasons and everything so far.
    """
    season = series.season
    spans = spans or (0, recent_span(season), season, 4 * season, len(series))
    truth = series.values[origins[:, None] + np.arange(1, horizon + 1)]

    def error(span: int) -> float:
        return float(np.nanmean((seasonal_drift(series, origins, horizon, span) - truth) ** 2))

    return min(sorted(set(spans)), key=error)
