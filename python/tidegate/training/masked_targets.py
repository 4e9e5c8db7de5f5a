"""Targets of sequences: what stands at steps that the mask excludes is never looked at."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array
from tidegate.sequences.ragged import from_ragged, is_ragged
from tidegate.training.steps import REVERSED, output_mask, step_order

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer


def masked_targets(model: "Trainer", where: str, x: Any, y: Any, mask: Any) -> Any:
    """Return targets, one per step of the output, with 0 at the steps that do not count.

    Raises
    ------
    ValueError
        y is a list of sequences of other lengths than those of x.
    """
    counts = output_mask(model, x, mask)
    if counts is None:
        return y
    if is_ragged(y) and isinstance(mask, np.ndarray):
        y = _padded(where, y, mask, step_order(model, x) == REVERSED)
    elif not isinstance(y, np.ndarray):
        y = checks.numeric(where, "y", y)
    if np.ma.isMaskedArray(y) or y.shape[:2] != counts.shape or counts.all():
        return y
    return np.where(counts.reshape(*counts.shape, *(1,) * (y.ndim - 2)), y, y.dtype.type(0))


def _padded(where: str, y: Any, mask: Array, backwards: bool) -> Array:
    """Return a list of sequences of targets as one array, as long as x."""
    targets, lengths = from_ragged(y)
    steps = mask.shape[1]
    ends = np.where(mask.any(axis=1), steps - mask[:, ::-1].argmax(axis=1), 0)
    if len(lengths) == len(ends) and (wrong := lengths != ends).any():
        at = int(wrong.argmax())
        raise ValueError(
            f"{where}: y[{at}] has {lengths[at]} steps; expected {ends[at]}, as x has."
        )
    padded = np.zeros((len(targets), steps, *targets.shape[2:]), targets.dtype)
    padded[:, : targets.shape[1]] = targets[:, :steps]
    if backwards:  # the last step of x comes first, after the padding
        for row, length in zip(padded, lengths, strict=True):
            row[:] = np.roll(row, -length, axis=0)
    return padded
