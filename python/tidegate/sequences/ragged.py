"""Ragged: a list of sequences of different lengths, made into one batch and the lengths."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tidegate._arrays import FloatArray as Array
from tidegate._arrays import as_array, is_masked


def from_ragged(sequences: Any, *, value: float = 0) -> tuple[Array, Array]:
    """Pad sequences at the end, and say how long each was.

    Parameters
    ----------
    sequences : list of (T_i, I) or (T_i,) arrays of numbers
        One per sample; T_i may be 0, the rest of the shape is the same in all.
    value : number
        What the padding holds. Layers that are given the lengths never look at it.

    Returns
    -------
    x : (B, T, I) or (B, T) array
        T is the longest T_i; the dtype is the one that holds all sequences.
    lengths : (B,) int64 array
        The T_i.

    Raises
    ------
    ValueError
        There is no sequence, or the shapes differ beyond the first axis.
    TypeError
        A sequence is not an array of numbers.

    Examples
    --------
    >>> x, lengths = from_ragged([np.ones((2, 1)), np.ones((3, 1))])
    >>> x[..., 0], lengths
    (array([[1., 1., 0.],
           [1., 1., 1.]]), array([2, 3]))
    """
    where = "from_ragged"
    if isinstance(sequences, np.ndarray) and sequences.dtype != object:
        raise TypeError(
            f"{where}: sequences is one array of shape {sequences.shape}; expected a list of "
            "(T_i, I) arrays (a padded batch goes to the layers as it is, with its lengths)."
        )
    if isinstance(sequences, str | bytes | dict) or not hasattr(sequences, "__iter__"):
        kind = type(sequences).__name__
        raise TypeError(f"{where}: sequences is a {kind}; expected a list of (T_i, I) arrays.")
    return padded_batch(where, "sequences", sequences, value)


def padded_batch(
    where: str, name: str, sequences: Iterable[Any], value: float = 0
) -> tuple[Array, Array]:
    """Return what `from_ragged` returns; errors start with `where` and speak of `name`."""
    arrays = [as_sequence(where, f"{name}[{k}]", entry) for k, entry in enumerate(sequences)]
    if not arrays:
        raise ValueError(f"{where}: {name} is empty; expected at least one (T_i, I) array.")
    # [] says nothing about features nor about the dtype.
    telling = [k for k, array in enumerate(arrays) if array.shape != (0,)] or [0]
    shape = arrays[telling[0]].shape[1:]
    for k in telling:
        if arrays[k].shape[1:] != shape:
            raise ValueError(
                f"{where}: {name}[{k}] has shape {arrays[k].shape}; expected (T, "
                f"{', '.join(str(size) for size in shape)}), as {name}[{telling[0]}] has "
                f"{arrays[telling[0]].shape}."
            )
    lengths = np.array([len(array) for array in arrays], np.int64)
    dtype = np.result_type(*{arrays[k].dtype for k in telling})
    batch: Array = np.full((len(arrays), int(lengths.max()), *shape), value, dtype)
    for row, array in zip(batch, arrays, strict=True):
        if len(array):
            row[: len(array)] = array
    return batch, lengths


def is_ragged(value: Any) -> bool:
    """Whether `value` is a list of sequences that do not all have one length."""
    if isinstance(value, np.ndarray):
        return value.dtype == object and value.ndim == 1
    if not isinstance(value, list | tuple) or len(value) < 2:
        return False
    try:
        first = len(value[0])
        return any(len(entry) != first for entry in value)
    except TypeError:  # a number has no length
        return False


def as_sequence(where: str, name: str, value: Any) -> Array:
    """Return one sequence as an array of numbers with a time axis."""
    if is_masked(value):
        raise TypeError(
            f"{where}: {name} is a masked array, whose mask would be lost; expected a plain array."
        )
    array: Array = as_array(where, name, value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{where}: {name} has dtype {array.dtype}; expected floats or integers.")
    if array.ndim == 0:
        raise ValueError(f"{where}: {name} is a single number; expected a (T, I) or (T,) array.")
    return array
