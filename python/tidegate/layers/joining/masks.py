"""The mask of inputs that are joined step by step."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from tidegate.layers.types import Array


def any_valid(masks: Sequence[Array | None]) -> Array | None:
    """Return where any of the masks is True; None, every step, if one is None."""
    known = [mask for mask in masks if mask is not None]
    return reduce(np.logical_or, known) if len(known) == len(masks) else None
