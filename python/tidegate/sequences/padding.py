"""pad_sequences: lists of different lengths as one array, by Keras's rules."""

from typing import Any

import numpy as np

from tidegate._arrays import FloatArray as Array

SIDES = ("pre", "post")


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Pad or cut sequences to one length; arguments and results are those of Keras.

    Parameters
    ----------
    sequences : list of lists or (T_i, ...) arrays
    maxlen : int, optional
        Steps of the result; the longest sequence if omitted.
    dtype : str or dtype
        Keras's default is "int32", for tokens: values are cut to integers. Pass "float32" for
        measurements (or use `from_ragged`, which keeps the dtype).
    padding, truncating : {"pre", "post"}
        Where to fill up and where to cut: before or after.
    value : number or str
        What the padding holds.

    Returns
    -------
    (B, maxlen, ...) array

    Raises
    ------
    ValueError
        A word is unknown, shapes differ beyond the first axis, or `value` does not fit `dtype`.
    TypeError
        `sequences` is no list of sequences.

    Notes
    -----
    Padding before the sequence needs `Masking` or `mask=`: `lengths=` counts from step 0.

    Examples
    --------
    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
    array([[0, 1],
           [3, 4]], dtype=int32)
    """
    where = "pad_sequences"
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in SIDES:
            raise ValueError(f'{where}: {name} is {side!r}; expected "pre" or "post".')
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(
            f"{where}: value is {value!r} and dtype is {kind}; expected a number, or dtype=object."
        )
    rows = _rows(where, sequences)
    if maxlen is None:
        maxlen = max(len(row) for row in rows)
    elif isinstance(maxlen, bool) or not isinstance(maxlen, int | np.integer) or maxlen < 0:
        raise ValueError(f"{where}: maxlen is {maxlen!r}; expected an integer >= 0.")
    shape = next((np.shape(row)[1:] for row in rows if len(row)), ())
    padded: Array = np.full((len(rows), int(maxlen), *shape), value, dtype)
    for k, row in enumerate(rows):
        kept = row[max(len(row) - maxlen, 0) :] if truncating == "pre" else row[:maxlen]
        if not len(kept):
            continue
        array = np.asarray(kept, dtype)
        if array.shape[1:] != shape:
            raise ValueError(
                f"{where}: sequences[{k}] has steps of shape {array.shape[1:]}; expected {shape}, "
                "as the first one has."
            )
        start = 0 if padding == "post" else maxlen - len(array)
        padded[k, start : start + len(array)] = array
    return padded


def _rows(where: str, sequences: Any) -> list[Any]:
    """Return the sequences as a list; raise unless all have a length."""
    if isinstance(sequences, str | bytes | dict) or not hasattr(sequences, "__len__"):
        kind = type(sequences).__name__
        raise TypeError(f"{where}: sequences is a {kind}; expected a list of sequences.")
    rows = list(sequences)
    if not rows:
        raise ValueError(f"{where}: sequences is empty; expected at least one sequence.")
    for k, row in enumerate(rows):
        if not hasattr(row, "__len__"):
            raise TypeError(f"{where}: sequences[{k}] is {row!r}; expected a list or an array.")
    return rows
