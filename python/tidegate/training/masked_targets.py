"""Targets of sequences: what stands at steps that the mask excludes is never looked at."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array
from tidegate.sequences.ragged import from_ragged, is_ragged

if TYPE_CHECKING:
    from tidegate.training.trainer import Trainer


def keeps_steps(model: "Trainer") -> bool:
    """Whether the output of a built model has the axis of steps of its input."""
    shape = model.input_shape or ()
    return len(model.output_shape) >= 2 and shape[:1] == model.output_shape[:1]


def masked_targets(where: str, y: Any, mask: Array) -> Any:
    """Return targets, one per step, with 0 at the steps that do not count.

    Raises
    ------
    ValueError
        y is a list of sequences of other lengths than those of x.
    """
    if is_ragged(y):
        y = _padded(where, y, mask)
    elif not isinstance(y, np.ndarray):
        y = checks.numeric(where, "y", y)
    if np.ma.isMaskedArray(y) or y.shape[:2] != mask.shape or mask.all():
        return y
    return np.where(mask.reshape(*mask.shape, *(1,) * (y.ndim - 2)), y, y.dtype.type(0))


def _padded(where: str, y: Any, mask: Array) -> Array:
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
    return padded
