"""Missing values: each feature on its own, a value that is not there is NaN.

observed_t   whether there is a value at step t
carried_t    the last value at or before t; before the first one, what `mean` says
gap_t        time since the feature was last observed before step t, since the first step if never

Where a mask is given, only the steps that count are time: its first step is the first that counts.
"""

from typing import Any, NamedTuple

import numpy as np

from tidegate._arrays import FloatArray as Array
from tidegate._arrays import as_array, is_masked


class Missing(NamedTuple):
    """A batch with missing values, taken apart; (B, T, F) each."""

    carried: Array
    observed: Array  # bool
    gaps: Array
    source: Array  # the step that carried_t comes from; -1 before the first value


def take_apart(
    x: Array, *, times: Array | None = None, mean: Array | None = None, mask: Array | None = None
) -> Missing:
    """Carry values forward, and say where there were none and for how long.

    Parameters
    ----------
    x : (B, T, F) float array
        NaN where a value is missing.
    times : (B, T) array, optional
        When each step is, in one direction, and the same before the first step that counts as
        there; if omitted, the number of steps that count before it.
    mean : (F,) array, optional
        What stands in before a feature is first observed; 0 if omitted.
    mask : (B, T) bool, optional
        Steps that count; nothing is observed at the others, whatever x holds.
    """
    batch, steps, features = x.shape
    observed = ~np.isnan(x)
    if mask is not None:
        observed &= mask[..., None]
    step = np.arange(steps)[:, None]
    source = np.maximum.accumulate(np.where(observed, step, -1), axis=1)
    carried = np.take_along_axis(x, np.maximum(source, 0), axis=1) if steps else x.copy()
    before = np.zeros(features, x.dtype) if mean is None else mean.astype(x.dtype)
    carried = np.where(source < 0, before, carried)

    if times is not None:
        when = times.astype(np.float64, copy=False)
    elif mask is not None:
        when = np.maximum(np.cumsum(mask, axis=1, dtype=np.float64) - 1, 0)
    else:
        when = np.broadcast_to(np.arange(steps, dtype=np.float64), (batch, steps))
    since = np.zeros_like(source)
    since[:, 1:] = np.maximum(source[:, :-1], 0)
    with np.errstate(over="ignore"):
        gaps = np.abs(when[..., None] - np.take_along_axis(when[..., None], since, axis=1))
        return Missing(carried, observed, gaps.astype(x.dtype), source)


def require_gaps_held(where: str, gaps: Array) -> None:
    """Raise if a gap became infinite in the dtype of the values."""
    if np.isinf(gaps).any():
        raise ValueError(
            f"{where}: times are further apart than {gaps.dtype} can say; expected smaller times."
        )


def add_to_sources(dx: Array, dcarried: Array, source: Array) -> None:
    """Add the gradient by carried values to that by the values that they come from."""
    row, feature = np.arange(len(source))[:, None, None], np.arange(source.shape[2])
    known = source >= 0
    np.add.at(dx, (row, np.maximum(source, 0), feature), np.where(known, dcarried, 0))


def check_times(where: str, times: Any, shape: tuple[int, int]) -> Array:
    """Return times (B, T) as float64; raise unless finite and not decreasing."""
    array = np.asarray(times)
    if is_masked(times) or array.dtype.kind not in "iuf":
        raise TypeError(
            f"{where}: times has dtype {array.dtype}; expected a plain array of numbers."
        )
    if array.shape != shape:
        raise ValueError(
            f"{where}: times has shape {array.shape}; expected {shape}, one for each step."
        )
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{where}: times has NaN or inf; expected finite numbers.")
    falls = array[:, 1:] < array[:, :-1]
    if falls.any():
        row, step = (int(i) for i in np.argwhere(falls)[0])
        raise ValueError(
            f"{where}: times[{row}] falls from {array[row, step]:g} to {array[row, step + 1]:g} at "
            f"step {step + 1}; expected times that do not decrease (sort the steps)."
        )
    return array


def check_values(where: str, x: Any) -> Array:
    """Return (B, T, F) values as floats; NaN is a missing value, inf is refused."""
    array = np.asarray(x)
    if is_masked(x) or array.dtype.kind not in "biuf":
        raise TypeError(
            f"{where}: x has dtype {array.dtype}; expected a plain array of numbers, NaN where a "
            "value is missing (x.filled(np.nan) of a masked array)."
        )
    if array.ndim != 3:
        raise ValueError(f"{where}: x has shape {array.shape}; expected (B, T, features).")
    if np.isinf(array).any():
        raise ValueError(f"{where}: x has inf; expected numbers, NaN where a value is missing.")
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def missing_indicator(x: Any, *, times: Any = None, mean: Any = None) -> Array:
    """Return an input without NaN that still says what was missing, and for how long.

    Parameters
    ----------
    x : (B, T, F) array
        NaN where a value is missing, each feature on its own.
    times : (B, T) array, optional
        When each step is; the number of the step if omitted. Not decreasing.
    mean : (F,) array, optional
        Stands in before a feature is first observed, see `feature_means`; 0 if omitted.

    Returns
    -------
    (B, T, 3F) array, dtype of x
        The last value at or before each step | 1 where observed, else 0 | time since the feature
        was last observed before the step (since step 0 if never).

    Raises
    ------
    ValueError
        A shape does not fit, x has inf, times decrease or are not finite.
    TypeError
        x or times are no numbers.

    Notes
    -----
    Lipton, Kale & Wetzel 2016. For values that decay towards the mean with learned rates: GRUD.

    Examples
    --------
    >>> missing_indicator(np.array([[[5.0], [np.nan], [np.nan], [7.0]]]))[0].T
    array([[5., 5., 5., 7.],
           [1., 0., 0., 1.],
           [0., 1., 2., 3.]])
    """
    where = "missing_indicator"
    array = check_values(where, x)
    if times is not None:
        times = check_times(where, times, array.shape[:2])
    if mean is not None:
        mean = check_mean(where, mean, array.shape[2])
    parts = take_apart(array, times=times, mean=mean)
    require_gaps_held(where, parts.gaps)
    return np.concatenate([parts.carried, parts.observed.astype(array.dtype), parts.gaps], axis=2)


def check_mean(where: str, mean: Any, features: int | None = None) -> Array:
    """Return one finite number for each feature, as float64; of any number if that is None."""
    array = as_array(where, "mean", mean)
    if is_masked(mean) or array.dtype.kind not in "iuf":
        raise TypeError(
            f"{where}: mean has dtype {array.dtype}; expected a plain array of numbers."
        )
    means: Array = array.astype(np.float64)
    if means.ndim != 1 or features not in (None, len(means)) or not np.isfinite(means).all():
        raise ValueError(
            f"{where}: mean has shape {means.shape} or values that are not finite; expected "
            f"({features or 'F'},) finite numbers, one for each feature (feature_means(x) returns "
            "them)."
        )
    return means


def feature_means(x: Any) -> Array:
    """Return the mean of what is observed of each feature; 0 if nothing is.

    Parameters
    ----------
    x : (B, T, F) array
        NaN where a value is missing.

    Returns
    -------
    (F,) float64 array

    Examples
    --------
    >>> feature_means([[[1.0, np.nan], [3.0, np.nan]]])
    array([2., 0.])
    """
    array = check_values("feature_means", x).astype(np.float64)
    observed = ~np.isnan(array)
    count = observed.sum(axis=(0, 1))
    means: Array = np.where(observed, array, 0).sum(axis=(0, 1)) / np.maximum(count, 1)
    return means
