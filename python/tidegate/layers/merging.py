"""How a bidirectional layer joins its two outputs, and the gradients of both.

    concat  [ f , b ]      sum  f + b      mul  f∘b      ave  (f + b) / 2

f and b come side by side on the last axis, f first, as the engine writes them.
"""

import numpy as np

from tidegate.layers.types import Array

MERGE_MODES = ("concat", "sum", "mul", "ave")


def merge(mode: str, both: Array, units: int) -> Array:
    """Return the output from f and b, (..., 2H) or, of unequal layers to concat, wider."""
    if mode == "concat":
        return both
    f, b = both[..., :units], both[..., units:]
    if mode == "mul":
        return f * b
    total: Array = f + b
    if mode == "ave":
        total *= 0.5
    return total


def merge_backward(mode: str, both: Array, dy: Array, units: int) -> Array:
    """Return df and db side by side; `both` is needed for mul only."""
    if mode == "concat":
        return dy
    if mode == "mul":
        return np.concatenate([dy * both[..., units:], dy * both[..., :units]], axis=-1)
    if mode == "ave":
        dy = dy * np.asarray(0.5, dy.dtype)
    return np.concatenate([dy, dy], axis=-1)
