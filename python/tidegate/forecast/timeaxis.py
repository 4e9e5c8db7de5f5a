"""An even grid of times: what lies between two rows, which rows are missing, what comes next.

steps   position 0, 1, 2 … on the grid; a gap in the file leaves positions without a row
kinds   "index"    no time column: the rows are the steps
        "fixed"    start + k·step seconds (minutes, hours, days, weeks)
        "months"   k·step calendar months (months, quarters, years), on the day of the first
        "month_ends" the same, on the last day of each month
        "business" Monday to Friday
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidegate.forecast.errors import InputError
from tidegate.forecast.timetext import ISO, Times, format_time

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86400, 604800
YEAR = 365.2425 * DAY
_EPOCH = np.datetime64("1970-01-01", "s")
_SHORTEST_MONTH = 28 * DAY
_MAX_GROWTH = 10  # a grid this many times longer than the file means that the step is wrong


@dataclass(frozen=True)
class TimeAxis:
    """The even grid under a series; see the head of this file.

    Attributes
    ----------
    kind : str
    start : datetime64[s]
        Time of the first row of the file.
    step : int
        Seconds or months.
    time_format : str
        How the file writes times.
    first : int
        Where on the grid step 0 of the series stands.
    """

    kind: str = "index"
    start: np.datetime64 = _EPOCH
    step: int = 1
    time_format: str = ISO
    first: int = 0

    def times(self, steps: Ints) -> Times:
        """Return datetime64[s] for positions on the grid."""
        steps = np.asarray(steps, dtype=np.int64) + self.first
        if self.kind == "business":
            first = self.start.astype("datetime64[D]")
            moments: Times = np.busday_offset(first, steps) + (self.start - first)
            return moments
        if self.kind in ("months", "month_ends"):
            return _add_months(self.start, steps * self.step, self.kind == "month_ends")
        return self.start + (steps * self.step).astype("timedelta64[s]")

    def steps_of(self, times: Times) -> Ints | None:
        """Return the positions of times on the grid, or None where one lies beside it."""
        days = self.start.astype("datetime64[D]"), times.astype("datetime64[D]")
        if self.kind == "business":
            steps = np.asarray(np.busday_count(*days), dtype=np.int64)
        elif self.kind in ("months", "month_ends"):
            months = times.astype("datetime64[M]") - self.start.astype("datetime64[M]")
            steps = months.astype(np.int64) // self.step
        else:
            steps = (times - self.start).astype(np.int64) // self.step
        steps = steps - self.first
        return steps if np.array_equal(self.times(steps), times) else None

    def every(self) -> str:
        """Say how far apart the steps are, such as "2 hours"."""
        if self.kind == "fixed":
            return _duration(self.step)
        if self.kind == "business":
            return "working day"
        return f"{self.step} month{'' if self.step == 1 else 's'}"

    def label(self, step: int) -> str:
        """Write one position as the file writes it: a time, or the row number from 1."""
        if self.kind == "index":
            return str(self.first + step + 1)
        return format_time(self.times(np.array([step]))[0], self.time_format)

    def seconds(self) -> float:
        """Return the mean length of a step in seconds, or 0 where it has none."""
        month = YEAR / 12
        lengths = {"fixed": 1.0, "months": month, "month_ends": month, "business": 7 / 5 * DAY}
        return lengths.get(self.kind, 0.0) * self.step

    def phase(self, steps: Ints, season: int) -> Floats:
        """Place steps within the season, 0 <= phase < 1.

        A season of about a year, a week or a day follows the calendar (52 weeks are not a year:
        by counting, the phase would drift by seven weeks in forty years); any other is counted.
        """
        length = season * self.seconds()
        if self.kind != "index":
            seconds = self.times(steps).astype(np.int64)
            if abs(length / YEAR - 1) < 0.02:
                return _fraction_of_year(self.times(steps))
            if length in (DAY, WEEK):
                return np.asarray((seconds % int(length)) / length)
        return np.asarray(((steps + self.first) % season) / season)


def calendar_periods(axis: TimeAxis, n: int, season: int) -> tuple[int, ...]:
    """Return how many steps a day, a week and a year have, beside the season of n steps.

    Those of 2 steps and more that the series lasts for: `axis.phase` follows the calendar in them.

    Examples
    --------
    >>> calendar_periods(TimeAxis("fixed", step=HOUR), 2000, season=24)
    (168,)
    """
    if axis.kind == "index":
        return ()
    periods = (round(length / axis.seconds()) for length in (DAY, WEEK, YEAR))
    return tuple(p for p in periods if 2 <= p <= n and p != season)


def infer_axis(
    times: Times, places: Sequence[str], time_format: str, without: str = "leave out --time"
) -> tuple[TimeAxis, Ints]:
    """Find the even grid under increasing times.

    Parameters
    ----------
    times : (n,) datetime64[s], n >= 2
    places : where each row stands, to start an error message
    time_format : how the file writes times
    without : how the caller does without times, for the message

    Returns
    -------
    axis, and the position of every row on it (n,) int64, starting at 0

    Raises
    ------
    InputError
        A time repeats or runs backwards, or no even grid fits.
    """
    seconds = times.astype(np.int64)
    gaps = np.diff(seconds)
    require_increasing(times, places, time_format)
    grid = _on_grid(times, gaps, time_format)
    if grid is None:
        step = _most_common(gaps)
        row = int(np.flatnonzero(gaps % step)[0])
        time = format_time(times[row + 1], time_format)
        raise InputError(
            f"{places[row + 1]}: time {time} comes {_duration(gaps[row])} after the time above it, "
            f"but most come {_duration(step)} apart; resample to even steps, or {without} to "
            "take the rows as they come."
        )
    axis, steps = grid
    if steps[-1] > _MAX_GROWTH * len(steps) + 1000:
        raise InputError(
            f"{places[0]}: {len(steps)} rows span {steps[-1] + 1} steps of "
            f"{_duration(_most_common(gaps))}, nearly all missing; resample to even steps."
        )
    return axis, steps


def require_increasing(times: Times, places: Sequence[str], time_format: str) -> None:
    """Raise an InputError that names the row whose time repeats or runs backwards."""
    gaps = np.diff(times.astype(np.int64))
    for row in np.flatnonzero(gaps <= 0)[:1]:
        time = format_time(times[row + 1], time_format)
        fault = "is before" if gaps[row] < 0 else "repeats"
        fix = "sort the rows, oldest first" if gaps[row] < 0 else "keep one row per time"
        raise InputError(f"{places[row + 1]}: time {time} {fault} the time above it; {fix}.")


def _on_grid(times: Times, gaps: Ints, time_format: str) -> tuple[TimeAxis, Ints] | None:
    """Place times on the first kind of grid that holds them all."""
    step = _most_common(gaps)
    days = times.astype("datetime64[D]")
    if step >= _SHORTEST_MONTH:
        months = times.astype("datetime64[M]").astype(np.int64)
        last_days = (days + 1).astype("datetime64[M]").astype(np.int64) > months
        kind = "month_ends" if last_days.all() else "months"
        axis = TimeAxis(kind, times[0], max(_most_common(np.diff(months)), 1), time_format)
        if (steps := axis.steps_of(times)) is not None:
            return axis, steps
    if step == DAY and gaps.sum() > WEEK and np.is_busday(days).all():
        axis = TimeAxis("business", times[0], 1, time_format)
        if (steps := axis.steps_of(times)) is not None:
            return axis, steps
    axis = TimeAxis("fixed", times[0], step, time_format)
    steps = axis.steps_of(times)
    return None if steps is None else (axis, steps)


def _duration(seconds: int) -> str:
    """Write a number of seconds in the largest unit that it is a multiple of."""
    units = {"week": WEEK, "day": DAY, "hour": HOUR, "minute": MINUTE, "second": 1}
    name, length = next((n, u) for n, u in units.items() if seconds % u == 0)
    count = seconds // length
    return f"{count} {name}{'' if count == 1 else 's'}"


def _most_common(gaps: Ints) -> int:
    """Return the most frequent gap, the smaller of equals."""
    values, counts = np.unique(gaps, return_counts=True)
    return int(values[counts.argmax()])


def _add_months(start: np.datetime64, months: Ints, to_last_day: bool) -> Times:
    """Move a time by calendar months, keeping its day where the month has it."""
    first = start.astype("datetime64[M]")
    after_midnight = start - start.astype("datetime64[D]")
    day = (start.astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    moved = first + months
    lengths = ((moved + 1).astype("datetime64[D]") - moved.astype("datetime64[D]")).astype(np.int64)
    days = lengths - 1 if to_last_day else np.minimum(day, lengths - 1)
    moments: Times = moved.astype("datetime64[D]") + days + after_midnight
    return moments.astype("datetime64[s]")


def _fraction_of_year(times: Times) -> Floats:
    """Return how much of its calendar year has passed at each time."""
    year = times.astype("datetime64[Y]")
    start = year.astype("datetime64[s]")
    length = (year + 1).astype("datetime64[s]") - start
    return np.asarray((times - start) / length)
