"""Clipping of gradients, in place, before the optimiser sees them."""

import math
from collections.abc import Sequence

import numpy as np

from tidegate._loader import core
from tidegate.layers.parameters import FlatParameters
from tidegate.layers.types import Array


def squared_norm(flat: Array) -> float:
    """Return Σ g² of a flat array; NaN only if an entry is not finite."""
    total: float = core.squared_norm(flat)
    if math.isfinite(total):
        return total
    if not np.isfinite(flat).all():
        return math.nan
    exact = flat.astype(np.longdouble)
    return float(exact.dot(exact))


def scale_to_norm(gradients: Sequence[Array], norm: float, limit: float) -> None:
    """Scale gradients of a common norm down to `limit`."""
    if norm > limit:
        for gradient in gradients:
            np.multiply(gradient, np.asarray(limit / norm, gradient.dtype), out=gradient)


def by_norm(buffers: Sequence[FlatParameters], limit: float) -> None:
    """Scale each parameter's gradient on its own."""
    for flat in buffers:
        for start, stop in flat.bounds:
            gradient = flat.gradients[start:stop]
            scale_to_norm([gradient], math.sqrt(squared_norm(gradient)), limit)


def by_value(buffers: Sequence[FlatParameters], limit: float) -> None:
    """Move each entry into ±limit."""
    for flat in buffers:
        np.clip(flat.gradients, -limit, limit, out=flat.gradients)
