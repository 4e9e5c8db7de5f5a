"""Plain arrays as series: y, exogenous columns and times, checked and put on an even grid."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.forecast.load import find_season
from tidegate.forecast.series import Series
from tidegate.forecast.timeaxis import TimeAxis, calendar_periods, infer_axis
from tidegate.forecast.timetext import ISO, format_time
from tidegate.layers import checks

Floats = npt.NDArray[np.float64]


def values_of(where: str, y: Any) -> Floats:
    """Return y as (n, S) float64, NaN where missing.

    Raises
    ------
    ValueError, TypeError
        y is empty, of another shape, holds inf or is not numbers.
    """
    array = checks.numeric(where, "y", y)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"{where}: y has shape {array.shape}; expected (n,), or (n, S) for S series."
        )
    values = array.astype(np.float64)
    if np.isinf(values).any():
        raise ValueError(f"{where}: y has the value inf; expected numbers, and NaN for gaps.")
    return values.reshape(len(values), -1)


def columns_of(where: str, name: str, X: Any, rows: int, columns: int | None = None) -> Floats:
    """Return exogenous X as (rows, E) float64.

    Raises
    ------
    ValueError, TypeError
        The number of rows or columns is another one, or a value is not a finite number.
    """
    table = checks.finite(where, name, X, np.dtype(np.float64))
    table = table[:, None] if table.ndim == 1 else table
    expected = "E" if columns is None else columns
    if table.ndim != 2 or len(table) != rows or columns not in (None, table.shape[1]):
        raise ValueError(f"{where}: {name} has shape {table.shape}; expected ({rows}, {expected}).")
    return table


def axis_of(where: str, y: Any, times: Any, count: int) -> tuple[TimeAxis, npt.NDArray[np.int64]]:
    """Return the grid under the rows of y, and where on it they stand.

    `times` may be left out if y is a pandas Series or DataFrame with an index of times
    or of periods, which count from their start.
    """
    if times is None:
        index = getattr(y, "index", ()) if not isinstance(y, list | tuple) else ()
        index = np.asarray(index.to_timestamp() if hasattr(index, "to_timestamp") else index)
        if index.dtype.kind != "M":
            return TimeAxis(), np.arange(count)
        times = index
    moments = np.asarray(times)
    if moments.dtype.kind != "M":
        raise TypeError(f"{where}: times has dtype {moments.dtype}; expected datetime64.")
    if moments.shape != (count,):
        raise ValueError(f"{where}: times has shape {moments.shape}; expected ({count},), as y.")
    seconds = moments.astype("datetime64[s]")
    if count < 2:
        return TimeAxis(), np.arange(count)
    places = [f"{where}: times[{k}]" for k in range(count)]
    without = "leave out times (of a pandas object, give y.to_numpy())"
    return infer_axis(seconds, places, ISO, without)


def make_series(
    where: str, y: Any, X: Any, times: Any, *, season: int | None, horizon: int, end: int | None
) -> list[Series]:
    """Return one Series for each column of y; seasons are looked for in the steps before `end`.

    Raises
    ------
    ValueError, TypeError
        Something cannot be used; the message says what was expected.
    """
    values = values_of(where, y)
    axis, steps = axis_of(where, y, times, len(values))
    grid = np.full((int(steps[-1]) + 1, values.shape[1]), np.nan)
    grid[steps] = values
    exogenous = None
    if X is not None:
        if len(grid) != len(values):
            missing = int(np.setdiff1d(np.arange(len(grid)), steps)[0])
            time = format_time(axis.times(np.array([missing]))[0], axis.time_format)
            raise ValueError(
                f"{where}: times has no row for {time}, and X is given; expected a row for every "
                "step (with y NaN where it is missing)."
            )
        exogenous = columns_of(where, "X", X, len(values))
    made = []
    for number, column in enumerate(grid.T):
        name = "y" if grid.shape[1] == 1 else f"y[:, {number}]"
        observed = np.flatnonzero(~np.isnan(column[:end]))
        if observed.size == 0:
            raise ValueError(f"{where}: {name} has no number in its {len(column)} rows.")
        first = int(observed[0])
        part, known = column[first:], None if exogenous is None else exogenous[first:]
        shifted = replace(axis, first=first)
        stop = None if end is None else end - first
        found = season or find_season(part[:stop], shifted, horizon)
        made.append(Series(part, found, shifted, name, known))
    return made


def with_calendar(series: Series, ahead: int, periods: tuple[int, ...]) -> Series:
    """Return the series with sine and cosine of calendar periods, up to `ahead` steps beyond it."""
    steps = np.arange(len(series) + ahead)
    angles = [2 * np.pi * series.axis.phase(steps, period) for period in periods]
    columns = [part for angle in angles for part in (np.sin(angle), np.cos(angle))]
    if not columns:
        return series
    known = [] if series.exogenous is None else [series.exogenous]
    rows = min([len(steps), *(len(table) for table in known)])
    return replace(
        series,
        exogenous=np.hstack([*(table[:rows] for table in known), np.stack(columns, 1)[:rows]]),
    )


def periods_of(series: list[Series]) -> tuple[int, ...]:
    """Return the calendar periods that all series last for and that are nobody's season."""
    shared = [set(calendar_periods(one.axis, len(one), one.season)) for one in series]
    return tuple(sorted(set.intersection(*shared)))
