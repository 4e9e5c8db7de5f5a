"""What comes in as sequences of different lengths: one array, and the mask of the steps that count.

Anything may stand where the mask excludes a step: NaN, or a token that no table has. It becomes 0
here, once, so that no check, product or gradient ever meets it.
"""

from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array
from tidegate.sequences.masks import check_lengths, check_mask
from tidegate.sequences.ragged import from_ragged, is_ragged


def masked_input(where: str, x: Any, lengths: Any, mask: Any) -> tuple[Any, Array | None]:
    """Return x and its mask (B, T); x as it is and None where every step counts.

    Raises
    ------
    ValueError
        Lengths, mask and x do not fit together.
    TypeError
        Lengths are no integers, or the mask is not boolean.
    """
    if is_ragged(x):
        if lengths is not None or mask is not None:
            name = "mask" if lengths is None else "lengths"
            raise ValueError(
                f"{where}: {name} is given and x is a list of sequences of different lengths; "
                "expected one or the other."
            )
        x, lengths = from_ragged(x)
    elif lengths is None and mask is None:
        return x, None
    if lengths is not None and mask is not None:
        raise ValueError(f"{where}: lengths and mask are given; expected one of them.")
    array = checks.numeric(where, "x", x)
    if array.ndim < 2:
        raise ValueError(
            f"{where}: x has shape {array.shape}; expected (N, steps, ...) with lengths or a mask."
        )
    batch, steps = array.shape[:2]
    if mask is None:
        valid = np.arange(steps) < check_lengths(where, lengths, batch, steps)[:, None]
    else:
        valid = check_mask(where, mask, (batch, steps))
    return without_hidden(array, valid), valid


def without_hidden(array: Array, mask: Array) -> Array:
    """Return the array with 0 at the steps that do not count."""
    if not array[~mask].any():  # padding with zeros is common; NaN is no 0
        return array
    shown = mask.reshape(*mask.shape, *(1,) * (array.ndim - 2))
    return np.where(shown, array, array.dtype.type(0))


def require_steps(where: str, x: Array, feature_axes: int) -> None:
    """Raise unless a checked input has an axis of steps that a mask can speak of."""
    if x.ndim < 2 + feature_axes:
        raise ValueError(
            f"{where}: x has shape {x.shape} and comes with lengths or a mask; expected "
            f"{'(N, steps, features)' if feature_axes else '(N, steps)'}."
        )


def zero_where_masked(y: Array, mask: Array) -> Array:
    """Return y (B, H) with 0 in the rows that have no step that counts."""
    some = np.logical_or.reduce(mask, axis=1)
    return y if some.all() else np.where(some[:, None], y, y.dtype.type(0))
