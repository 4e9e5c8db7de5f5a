"""Time gaps, and how much of a memory they leave: what a T-LSTM takes (docs/equations/tlstm.md).

times    0  1  4  4  9            gaps     0  1  3  0  5         in the order of time
                                           1  3  0  5  0         from the last step to the first
"""

from typing import Any

import numpy as np

from tidegate._arrays import FloatArray as Array
from tidegate._arrays import as_array, check_flag, is_masked
from tidegate.sequences.masks import check_lengths, check_mask

DECAYS = ("log", "inverse")


def steps_before(shape: tuple[int, int], mask: Array | None, go_backwards: bool = False) -> Array:
    """Return the step (B, T) that runs before each; -1 where there is none, or the step is masked.

    Of the steps that count, in the order of time or backwards.
    """
    batch, steps = shape
    valid = np.ones((batch, steps), bool) if mask is None else mask
    order = slice(None, None, -1 if go_backwards else 1)
    index = np.broadcast_to(np.arange(steps), (batch, steps))[:, order]
    place = np.where(valid[:, order], np.arange(steps), -1)
    place = np.maximum.accumulate(place, axis=1)
    before = np.full((batch, steps), -1)
    if steps > 1:
        seen = place[:, :-1]
        before[:, 1:] = np.where(
            seen < 0, -1, np.take_along_axis(index, np.maximum(seen, 0), axis=1)
        )
    return np.where(valid, before[:, order], -1)


def gaps_between(where: str, name: str, times: Array, mask: Array | None, before: Array) -> Array:
    """Return the time (B, T) between each step and the one before it; 0 where there is none.

    Raises
    ------
    ValueError
        Times of steps that count decrease or are not finite.
    """
    wrong = ~np.isfinite(times) if mask is None else ~np.isfinite(times) & mask
    if wrong.any():
        row, step = (int(k) for k in np.argwhere(wrong)[0])
        raise ValueError(
            f"{where}: {name} has {times[row, step]:g} at step {step} of sequence {row}; expected "
            "the time of each step that counts, a finite number."
        )
    none = np.zeros_like(times)
    there = before >= 0
    earlier = np.where(there, np.take_along_axis(times, np.maximum(before, 0), axis=1), none)
    times = np.where(there, times, none)
    backwards = before > np.arange(times.shape[1])
    first, last = np.where(backwards, (times, earlier), (earlier, times))
    if (falls := last < first).any():
        row, step = (int(k) for k in np.argwhere(falls)[0])
        low, high = (_text(time[row, step]) for time in (last, first))
        raise ValueError(
            f"{where}: {name} falls from {high} to {low} at step "
            f"{max(step, int(before[row, step]))} of sequence {row}; expected times that do not "
            "decrease (sort the steps)."
        )
    if times.dtype.kind in "iu":  # modulo 2^64 the difference is right, however far they are apart
        whole: Array = last.view(np.uint64) - first.view(np.uint64)
        return whole.astype(np.float64)
    with np.errstate(over="ignore"):
        gaps: Array = last - first
    if np.isinf(gaps).any():
        raise ValueError(
            f"{where}: {name} has steps further apart than float64 can say; expected smaller times."
        )
    return gaps


def _text(time: Any) -> str:
    return f"{time:g}" if time.dtype.kind == "f" else str(time)


def time_gaps(
    times: Any, *, lengths: Any = None, mask: Any = None, go_backwards: bool = False
) -> Array:
    """Return the time since the step that runs before each step.

    Parameters
    ----------
    times : (B, T) array
        When each step is; not decreasing.
    lengths : (B,) integers, optional
        Valid steps of each sequence.
    mask : (B, T) bool, optional
        True at the steps that count. Not both.
    go_backwards : bool
        For a layer that runs from the last step to the first: the time to the step after.

    Returns
    -------
    (B, T) float64 array
        0 at the first step that runs, and at steps that do not count; the time that passes over
        these is part of the gap of the next step that does.

    Raises
    ------
    ValueError
        Times decrease or are not finite, or shapes do not fit.
    TypeError
        times are no numbers, or lengths or mask have another dtype than theirs.

    Examples
    --------
    >>> time_gaps([[0, 1, 4, 4, 9]])
    array([[0., 1., 3., 0., 5.]])
    >>> time_gaps([[0, 1, 4, 4, 9]], go_backwards=True)
    array([[1., 3., 0., 5., 0.]])
    """
    where = "time_gaps"
    when = as_array(where, "times", times)
    if is_masked(times) or when.dtype.kind not in "iuf":
        raise TypeError(
            f"{where}: times has dtype {when.dtype}; expected a plain array of numbers."
        )
    if when.ndim != 2:
        raise ValueError(f"{where}: times has shape {when.shape}; expected (B, T).")
    if lengths is not None and mask is not None:
        raise ValueError(f"{where}: lengths and mask are both given; expected one of them.")
    batch, steps = when.shape
    if lengths is not None:
        mask = np.arange(steps) < check_lengths(where, lengths, batch, steps)[:, None]
    elif mask is not None:
        mask = check_mask(where, mask, (batch, steps))
    before = steps_before((batch, steps), mask, check_flag(where, "go_backwards", go_backwards))
    if when.dtype != np.uint64:  # whole times are subtracted as such: float64 has 53 bits
        when = when.astype(np.float64 if when.dtype.kind == "f" else np.int64)
    return gaps_between(where, "times", when, mask, before)


def check_gaps(where: str, name: str, gaps: Any) -> Array:
    """Return gaps as float64; raise unless they are finite and not negative."""
    array: Array = as_array(where, name, gaps)
    if is_masked(gaps) or array.dtype.kind not in "iuf":
        raise TypeError(
            f"{where}: {name} has dtype {array.dtype}; expected a plain array of numbers."
        )
    array = array.astype(np.float64)
    wrong = ~(np.isfinite(array) & (array >= 0))
    if wrong.any():
        first = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise ValueError(
            f"{where}: {name} has {array[first]:g} at index {first}; expected the time since the "
            "step before, a finite number >= 0."
        )
    return array


def decay_of(gaps: Array, form: str) -> Array:
    """Return how much a gap leaves; of gaps that were checked."""
    return 1 / np.log(np.e + gaps) if form == "log" else 1 / np.maximum(gaps, 1)


def decay_slope(gaps: Array, decay: Array, form: str) -> Array:
    """Return the derivative of `decay_of` by the gap."""
    if form == "log":
        slope: Array = -(decay**2) / (np.e + gaps)
        return slope
    return np.where(gaps > 1, -(decay**2), 0)


def memory_decay(gaps: Any, form: str = "log") -> Array:
    """Return the share of the short-term memory that is left after a time gap.

    Parameters
    ----------
    gaps : array, usually (B, T)
        Time since the step that runs before, see `time_gaps`; >= 0. The unit is part of the model:
        "log" leaves 0.88 after a gap of 0.4, 0.5 after 4.7 and 0.2 after 146.
    form : {"log", "inverse"}
        1 / log(e + gap), or 1 / max(gap, 1).

    Returns
    -------
    float64 array like gaps
        In 0..1; 1 where the gap is 0. `rnn_forward(memory_decay=)` takes it in the dtype of the
        weights.

    Raises
    ------
    ValueError
        A gap is negative, NaN or inf, or the form is unknown.
    TypeError
        gaps are no numbers.

    Notes
    -----
    Baytas et al. 2017, who use 1 / gap for data of small gaps and 1 / log(e + gap) for others.
    1 / gap is infinite at 0 and would enlarge the memory below 1, so it ends at 1 here.

    Examples
    --------
    >>> memory_decay([0, np.e**2 - np.e]).round(6)
    array([1. , 0.5])
    >>> memory_decay([0, 0.5, 4], form="inverse")
    array([1.  , 1.  , 0.25])
    """
    where = "memory_decay"
    if not isinstance(form, str) or form not in DECAYS:
        raise ValueError(f'{where}: form is {form!r}; expected one of "log", "inverse".')
    return decay_of(check_gaps(where, "gaps", gaps), form)
