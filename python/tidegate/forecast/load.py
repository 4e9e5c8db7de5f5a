"""From a file to a Series that can be forecast, or an InputError that says what to mend."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tidegate.forecast.errors import InputError
from tidegate.forecast.forecaster import FEWEST_WINDOWS, past_for
from tidegate.forecast.seasonality import LONGEST, detect_season
from tidegate.forecast.series import Series, causal_fill
from tidegate.forecast.table import read_table
from tidegate.forecast.timeaxis import TimeAxis, infer_axis
from tidegate.forecast.timetext import parse_times
from tidegate.forecast.windows import Windows

HELD_OUT_SHARE = 6  # one sixth of the steps, and at least one horizon


def load_series(
    path: Path,
    column: str,
    time_column: str | None = None,
    *,
    horizon: int,
    season: int | None = None,
    time_format: str | None = None,
    encoding: str = "utf-8",
) -> Series:
    """Read one column of a CSV or Parquet file.

    Parameters
    ----------
    path : Path
    column : str
        Numbers; empty cells are missing values.
    time_column : str, optional
        Evenly spaced times; times without a row are missing values. Without it the rows count.
    horizon : int
        How far it is to be forecast, which decides how many rows are needed.
    season : int, optional
        Steps in one season, 1 for none. Found in the training part if omitted.
    time_format : str, optional
        strptime format of the times. Found if omitted.
    encoding : str

    Returns
    -------
    Series
        From the first to the last observed value.

    Raises
    ------
    InputError
        The message names the file and, where there is one, the line and the value.
    """
    table = read_table(path, encoding)
    numbers = table.numbers(column)
    axis, steps = TimeAxis(), np.arange(len(numbers))
    if time_column is not None:
        places = table.places(time_column)
        times, time_format = parse_times(table.texts(time_column), places, time_format)
        if len(times) > 1:
            axis, steps = infer_axis(times, places, time_format)
    where = f'{path}: column "{column}"'
    values, first = _trimmed(where, numbers, steps)
    axis = replace(axis, first=first)
    if season is None:
        season = find_season(values, axis, horizon)
    _check_length(where, len(values), horizon, season)
    return Series(values, season, axis, column)


def held_out_start(n: int, horizon: int) -> int:
    """Return the first held-out step of a series of n steps."""
    return n - max(n // HELD_OUT_SHARE, horizon)


def rows_needed(horizon: int, season: int) -> int:
    """Return how many steps suffice to train, hold out and score."""
    first = Windows(past_for(season), horizon).first_origin(season)
    training = first + FEWEST_WINDOWS + horizon
    share = -(-training * HELD_OUT_SHARE // (HELD_OUT_SHARE - 1))
    return max(training + horizon, share)


def _trimmed(
    where: str, numbers: npt.NDArray[np.float64], steps: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], int]:
    """Put numbers on the grid, from the first to the last observed one; return where it starts."""
    observed = np.flatnonzero(~np.isnan(numbers))
    if observed.size == 0:
        raise InputError(f"{where} has no number in any of its {len(numbers)} rows.")
    known = numbers[observed]
    if known.min() == known.max():
        raise InputError(f"{where} is always {known[0]:g}; there is nothing to forecast.")
    if max(abs(known.min()), abs(known.max())) > 1e30:
        raise InputError(
            f"{where} has values beyond 1e30; expected smaller ones (change the unit)."
        )
    first, last = int(steps[observed[0]]), int(steps[observed[-1]])
    values = np.full(last - first + 1, np.nan)
    values[steps[observed] - first] = known
    return values, first


def find_season(values: npt.NDArray[np.float64], axis: TimeAxis, horizon: int) -> int:
    """Detect the season in the training part, among those that the series is long enough for."""
    n = len(values)
    longest = next((m for m in range(LONGEST, 1, -1) if rows_needed(horizon, m) <= n), 1)
    start = max(held_out_start(n, horizon), 0)
    return detect_season(causal_fill(values[:start], 1), axis, longest) if start > 1 else 1


def _check_length(where: str, n: int, horizon: int, season: int) -> None:
    """Refuse a series too short to train on and to hold out a horizon of."""
    needed = rows_needed(horizon, season)
    if n >= needed:
        return
    least = rows_needed(horizon, 1)
    hints = ["a shorter --horizon needs fewer"] if horizon > 1 else []
    if least < needed:
        hints.append(f"--season 1 needs {least}")
    raise InputError(
        f"{where} has {n} steps from its first to its last value; expected at least {needed} "
        f"for horizon {horizon} and season {season}{_bracketed(hints)}."
    )


def _bracketed(hints: list[str]) -> str:
    """Join hints in brackets, or return nothing."""
    return f" ({'; '.join(hints)})" if hints else ""
