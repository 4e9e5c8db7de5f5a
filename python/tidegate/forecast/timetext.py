"""Text to times and back: finds the one format that reads every cell of a time column."""

from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import numpy as np
import numpy.typing as npt

from tidegate.forecast.errors import InputError

Times = npt.NDArray[np.datetime64]

ISO = "ISO 8601"
_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
_DATES = ("%Y/%m/%d", "%d.%m.%Y", _DAY_FIRST, _MONTH_FIRST, "%d-%m-%Y", "%d %b %Y")
_CLOCKS = (" %H:%M", " %H:%M:%S")
_MONTHS = ("%Y-%m", "%Y/%m", "%Y%m", "%b %Y", "%B %Y", "%b-%y")
FORMATS = (
    "%Y",
    "%Y.0",
    *_MONTHS,
    "%Y%m%d",
    ISO,
    *_DATES,
    *(d + c for d in _DATES for c in _CLOCKS),
)


def parse_times(
    texts: Sequence[str], places: Sequence[str], time_format: str | None = None
) -> tuple[Times, str]:
    """Read times, all in one format.

    Parameters
    ----------
    texts : n cells
    places : where each cell stands, such as "co2.csv: line 7", to start an error message
    time_format : strptime format, optional
        Found among FORMATS if omitted.

    Returns
    -------
    times (n,) datetime64[s]; the format

    Raises
    ------
    InputError
        A cell is not a time, or day and month could be meant either way round.

    Examples
    --------
    >>> parse_times(["1958-03-29"], ["line 2"])[0]
    array(['1958-03-29T00:00:00'], dtype='datetime64[s]')
    """
    formats = FORMATS if time_format is None else (time_format,)
    counts = {name: _count_readable(texts, name) for name in formats}
    best = max(formats, key=lambda name: counts[name])
    if counts[best] < len(texts):
        at = counts[best]
        fix = f"the rows above it read as {best}"
        if at == 0:
            fix = 'give --time-format, such as "%d.%m.%Y", or leave out --time to count the rows'
        raise InputError(f'{places[at]}: "{texts[at]}" is not a time; {fix}.')
    _refuse_ambiguous(texts, places, [name for name in formats if counts[name] == len(texts)])
    reader = _reader(best)
    return np.array([reader(text) for text in texts], dtype="datetime64[s]"), best


def format_time(time: np.datetime64, time_format: str) -> str:
    """Write a time as `parse_times` read it; ISO times at midnight are written as dates."""
    moment = time.astype("datetime64[s]").astype(datetime)
    if time_format != ISO:
        return str(moment.strftime(time_format))
    midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return str(moment.date().isoformat() if midnight else moment.isoformat(sep=" "))


def _reader(name: str) -> Callable[[str], datetime]:
    """Return the parser of one format; times with an offset become UTC."""
    if name != ISO:
        return lambda text: _naive(datetime.strptime(text, name))
    return lambda text: _naive(datetime.fromisoformat(text.replace("Z", "+00:00")))


def _naive(moment: datetime) -> datetime:
    """Express a moment in UTC without its offset; one without an offset is left alone."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None) if moment.tzinfo else moment


def _count_readable(texts: Sequence[str], name: str) -> int:
    """Count the leading cells that one format reads."""
    reader = _reader(name)
    for count, text in enumerate(texts):
        try:
            reader(text)
        except ValueError:
            return count
    return len(texts)


def _refuse_ambiguous(texts: Sequence[str], places: Sequence[str], fitting: list[str]) -> None:
    """Ask for the format when 03/04/2001 may be March or April."""
    day_first = [name for name in fitting if name.startswith(_DAY_FIRST)]
    month_first = [name for name in fitting if name.startswith(_MONTH_FIRST)]
    if day_first and month_first:
        raise InputError(
            f'{places[0]}: times such as "{texts[0]}" can be read day first or month first; '
            f'say which: --time-format "{day_first[0]}" or "{month_first[0]}".'
        )
