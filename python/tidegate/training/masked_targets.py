"""Targets of sequences: what stands at steps that the mask excludes is never looked at."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array
from tidegate.sequences.ragged import from_ragged, is_ragged
from tidegate.training.steps import REVERSED, output_mask, step_order

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer


def masked_targets(
    model: "Trainer", where: str, x: Any, y: Any, weight: Any, mask: Any
) -> tuple[Any, Any]:
    """Return targets and weights of samples, with 0 at the steps of the output that do not count.

    Raises
    ------
    ValueError
        One is a list of sequences of other lengths than those of x.
    """
    counts = output_mask(model, x, mask)
    if counts is None:
        return y, weight
    ragged = [is_ragged(part) and isinstance(mask, np.ndarray) for part in (y, weight)]
    backwards = any(ragged) and step_order(model, x) == REVERSED
    if ragged[0]:
        y = _padded(where, "y", y, mask, backwards)
    if ragged[1]:
        weight = _padded(where, "sample_weight", weight, mask, backwards)
    shown = _without_hidden(where, "y", y, counts)
    return shown, None if weight is None else _without_hidden(
        where, "sample_weight", weight, counts
    )


def _without_hidden(where: str, name: str, array: Any, counts: Array) -> Any:
    """Return an array with 0 where it has an entry for a step that does not count."""
    if not isinstance(array, np.ndarray):
        array = checks.numeric(where, name, array)
    if np.ma.isMaskedArray(array) or array.shape[:2] != counts.shape or counts.all():
        return array
    shown = counts.reshape(*counts.shape, *(1,) * (array.ndim - 2))
    return np.where(shown, array, array.dtype.type(0))


def _padded(where: str, name: str, y: Any, mask: Array, backwards: bool) -> Array:
    """Return a list of sequences of targets as one array, as long as x."""
    targets, lengths = from_ragged(y)
    steps = mask.shape[1]
    ends = np.where(mask.any(axis=1), steps - mask[:, ::-1].argmax(axis=1), 0)
    if len(lengths) == len(ends) and (wrong := lengths != ends).any():
        at = int(wrong.argmax())
        raise ValueError(
            f"{where}: {name}[{at}] has {lengths[at]} steps; expected {ends[at]}, as x has."
        )
    padded = np.zeros((len(targets), steps, *targets.shape[2:]), targets.dtype)
    padded[:, : targets.shape[1]] = targets[:, :steps]
    if backwards:  # the last step of x comes first, after the padding
        for row, length in zip(padded, lengths, strict=True):
            row[:] = np.roll(row, -length, axis=0)
    return padded
