"""merge_asynchronous: streams that were sampled at different times, as one batch.

heart    t  0     2  3            x  [ h  - ]   t = 0
blood    t     1     3      ->       [ -  b ]       1      - is NaN
                                     [ h  - ]       2
                                     [ h  b ]       3
"""

from typing import Any, NamedTuple

import numpy as np

from tidegate._arrays import FLOATS, as_array, is_masked
from tidegate._arrays import FloatArray as Array
from tidegate.sequences.missing import require_gaps_held, take_apart


class Merged(NamedTuple):
    """Result of `merge_asynchronous`."""

    x: Array
    times: Array
    lengths: Array
    observed: Array
    gaps: Array
    features: tuple[str, ...]


def merge_asynchronous(streams: Any, *, dtype: Any = np.float32) -> Merged:
    """Align streams that were sampled at times of their own.

    Parameters
    ----------
    streams : dict of name to (times, values)
        Of one sequence: times (n,), increasing; values (n,) or (n, F), where NaN is missing. Of a
        batch: a list of B such times and a list of B such values. Each stream has its own n, which
        may be 0.
    dtype : float32 or float64
        Of x and gaps.

    Returns
    -------
    Merged
        x (B, T, F), the values of all streams side by side at the union of their times, NaN where a
        stream has no value; times (B, T) float64, the last one repeated as padding; lengths (B,);
        observed (B, T, F) bool; gaps (B, T, F), the time since the feature was last observed before
        the step; features, the name of each column ("name", or "name[k]" of several).

    Raises
    ------
    ValueError
        Times are not finite or do not increase, or shapes do not fit.
    TypeError
        streams is no dict of pairs, or an array is not numeric.

    Notes
    -----
    GRUD takes x with time as its last feature; for other layers `missing_indicator(x, times=times)`
    makes an input without NaN, and TimeLSTM takes that with time as its last feature. Pass lengths
    along to ignore the padding.

    Examples
    --------
    >>> merged = merge_asynchronous({"heart": ([0, 2, 3], [60, 62, 61]), "blood": ([1, 3], [9, 8])})
    >>> merged.x[0].T
    array([[60., nan, 62., 61.],
           [nan,  9., nan,  8.]], dtype=float32)
    >>> merged.times, merged.features
    (array([[0., 1., 2., 3.]]), ('heart', 'blood'))
    """
    where = "merge_asynchronous"
    if not isinstance(streams, dict) or not streams:
        raise TypeError(
            f"{where}: streams is {type(streams).__name__}; expected a dict of "
            "name: (times, values) with at least one stream."
        )
    dtype = _float_dtype(where, dtype)
    checked = {name: _stream(where, str(name), pair) for name, pair in streams.items()}
    counts = {name: len(sequences) for name, sequences in checked.items()}
    batch = next(iter(counts.values()))
    if len(set(counts.values())) > 1:
        raise ValueError(f"{where}: the streams have {counts} sequences; expected equal numbers.")
    unions = [
        np.unique(np.concatenate([sequences[b][0] for sequences in checked.values()]))
        for b in range(batch)
    ]
    lengths = np.array([len(union) for union in unions], np.int64)
    steps = int(lengths.max(initial=0))
    columns = [_columns(where, name, sequences) for name, sequences in checked.items()]
    x = np.full((batch, steps, sum(columns)), np.nan, dtype)
    times = np.zeros((batch, steps))
    for b, union in enumerate(unions):
        times[b, : len(union)] = union
        times[b, len(union) :] = union[-1] if len(union) else 0
        first = 0
        for sequences, width in zip(checked.values(), columns, strict=True):
            when, values = sequences[b]
            with np.errstate(over="ignore"):  # refused below
                cast = values.reshape(len(when), width).astype(dtype)
            x[b, np.searchsorted(union, when), first : first + width] = cast
            first += width
    if np.isinf(x).any():
        raise ValueError(
            f'{where}: {dtype} cannot hold a value of the streams; expected dtype="float64".'
        )
    parts = take_apart(x, times=times)
    require_gaps_held(where, parts.gaps)
    return Merged(x, times, lengths, parts.observed, parts.gaps, _names(checked, columns))


def _float_dtype(where: str, dtype: Any) -> np.dtype[Any]:
    try:
        made: np.dtype[Any] | None = np.dtype(dtype)
    except TypeError:
        made = None
    if dtype is None or made is None or made not in FLOATS:  # to NumPy, None is float64
        raise TypeError(f"{where}: dtype is {dtype!r}; expected float32 or float64.")
    return made


def _names(streams: dict[Any, Any], columns: list[int]) -> tuple[str, ...]:
    return tuple(
        str(name) if width == 1 else f"{name}[{k}]"
        for name, width in zip(streams, columns, strict=True)
        for k in range(width)
    )


def _stream(where: str, name: str, pair: Any) -> list[tuple[Array, Array]]:
    """Return the sequences of one stream as checked (times, values)."""
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise TypeError(f"{where}: stream {name!r} is no pair; expected (times, values).")
    times, values = pair
    for what, given in (("times", times), ("values", values)):
        if not isinstance(given, list | tuple) and np.ndim(given) == 0:
            raise TypeError(
                f"{where}: {what} of stream {name!r} are {given!r}; expected an array or a list."
            )
    if len(times) != len(values):
        raise ValueError(
            f"{where}: stream {name!r} has {len(times)} times and {len(values)} values; expected "
            "as many."
        )
    is_batch = isinstance(times, list | tuple) and any(np.ndim(t) > 0 for t in times)
    if isinstance(times, np.ndarray) and times.ndim == 2:
        is_batch = True
    pairs = zip(times, values, strict=True) if is_batch else [(times, values)]
    return [_sequence(where, name, *one) for one in pairs]


def _sequence(where: str, name: str, times: Any, values: Any) -> tuple[Array, Array]:
    arrays = []
    for what, given in (("times", times), ("values", values)):
        array = as_array(where, f"{what} of stream {name!r}", given)
        if is_masked(given) or array.dtype.kind not in "biuf":
            raise TypeError(
                f"{where}: {what} of stream {name!r} have dtype {array.dtype}; expected plain "
                "arrays of numbers (NaN where a value is missing)."
            )
        arrays.append(array.astype(np.float64))
    when, value = arrays
    if when.ndim != 1 or value.ndim not in (1, 2) or len(when) != len(value):
        raise ValueError(
            f"{where}: stream {name!r} has times {when.shape} and values {value.shape}; expected "
            "(n,), and (n,) or (n, F)."
        )
    if not np.isfinite(when).all() or not (when[1:] > when[:-1]).all():
        raise ValueError(
            f"{where}: times of stream {name!r} are not finite or do not increase; expected each "
            "time once, in order (np.unique sorts; average what was measured twice)."
        )
    if np.isinf(value).any():
        raise ValueError(f"{where}: values of stream {name!r} have inf; expected numbers or NaN.")
    return when, value


def _columns(where: str, name: Any, sequences: list[tuple[Array, Array]]) -> int:
    # Of [], nobody can say how wide it would be.
    known = [values for _, values in sequences if values.ndim == 2 or len(values)]
    widths = {1 if values.ndim == 1 else values.shape[1] for values in known}
    if len(widths) > 1:
        raise ValueError(
            f"{where}: stream {str(name)!r} has sequences of {sorted(widths)} values per time; "
            "expected one width."
        )
    return widths.pop() if widths else 1
