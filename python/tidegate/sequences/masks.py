"""Lengths and masks: two ways to say which steps of a padded batch count."""

import operator
from typing import Any

import numpy as np

from tidegate._arrays import FloatArray as Array
from tidegate.functional.arguments import as_lengths, as_mask


def lengths_to_mask(lengths: Any, steps: int | None = None) -> Array:
    """Return the mask of sequences that start at step 0.

    Parameters
    ----------
    lengths : (B,) integers
        Valid steps of each sequence, 0 or more.
    steps : int, optional
        Size of the time axis, T; the longest length if omitted.

    Returns
    -------
    (B, T) bool array
        True at the steps t < lengths[b].

    Raises
    ------
    ValueError
        A length is outside 0..T, or the shape is not (B,).
    TypeError
        The lengths are no integers.

    Examples
    --------
    >>> lengths_to_mask([2, 0], 3)
    array([[ True,  True, False],
           [False, False, False]])
    """
    where = "lengths_to_mask"
    if steps is not None:
        steps = _steps(where, steps)
    checked = check_lengths(where, lengths, None, steps)
    if steps is None:
        steps = int(checked.max(initial=0))
    return np.arange(steps) < checked[:, None]


def mask_to_lengths(mask: Any) -> Array:
    """Return the lengths of sequences whose mask has no gaps.

    Parameters
    ----------
    mask : (B, T) bool
        True at the steps that count.

    Returns
    -------
    (B,) int64 array

    Raises
    ------
    ValueError
        A step counts after one that does not, or the shape is not (B, T).
    TypeError
        The mask is not boolean.

    Examples
    --------
    >>> mask_to_lengths([[True, True, False], [False, False, False]])
    array([2, 0])
    """
    where = "mask_to_lengths"
    checked = check_mask(where, mask)
    late = checked[:, 1:] & ~checked[:, :-1]
    if late.any():
        row, step = (int(i) for i in np.argwhere(late)[0])
        raise ValueError(
            f"{where}: mask[{row}] is False at step {step} and True at step {step + 1}; expected "
            "the valid steps first (lengths cannot say where gaps are: pass the mask itself)."
        )
    lengths: Array = checked.sum(axis=1, dtype=np.int64)
    return lengths


def check_lengths(where: str, lengths: Any, batch: int | None, steps: int | None) -> Array:
    """Return lengths (B,) as int64; raise unless they are integers 0..steps, one per sequence."""
    array: Array = as_lengths(where, lengths)
    if array.ndim != 1 or (batch is not None and len(array) != batch):
        expected = "(B,)" if batch is None else f"({batch},), one length for each sequence"
        raise ValueError(f"{where}: lengths has shape {array.shape}; expected {expected}.")
    limit = np.iinfo(np.int64).max if steps is None else steps
    bad = (array < 0) | (array > limit)
    if bad.any():
        at = int(np.argmax(bad))
        most = f"0..{limit}, the number of steps"
        if steps is None:
            most = "0 or more" if array[at] < 0 else "a number of steps"
        raise ValueError(f"{where}: lengths[{at}] is {array[at]}; expected {most}.")
    return array


def check_mask(where: str, mask: Any, shape: tuple[int, int] | None = None) -> Array:
    """Return a mask (B, T) as C-contiguous bool; raise unless it is one."""
    array: Array = as_mask(where, mask)
    if array.ndim != 2 or (shape is not None and array.shape != shape):
        expected = "(B, T)" if shape is None else f"{shape} = (B, T), as x has"
        raise ValueError(f"{where}: mask has shape {array.shape}; expected {expected}.")
    return np.ascontiguousarray(array)


def _steps(where: str, steps: Any) -> int:
    try:
        count = operator.index(steps)
    except TypeError:
        raise TypeError(f"{where}: steps is {steps!r}; expected an integer >= 0.") from None
    if count < 0:
        raise ValueError(f"{where}: steps is {count}; expected an integer >= 0.")
    return count
