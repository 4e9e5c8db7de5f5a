"""The memory of a T-LSTM, which fades with time before each step (Baytas et al. 2017).

    s = tanh(W_cc c_prev + b_cc)         the short-term part of the memory
    c* = (c_prev - s) + d∘s              d (B, 1): how much of it is left

The step is that of an LSTM with c* for c_prev. Backward: docs/equations/tlstm.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .activations import Array
from .weights import Weights


class MemorySaved(NamedTuple):
    """What the backward pass needs of one step: decay (B, 1), the others (B, H)."""

    c_prev: Array
    short: Array
    decay: Array


def fade(c_prev: Array, decay: Array, w: Weights) -> tuple[Array, MemorySaved]:
    """Return c*, what is left of c_prev (B, H)."""
    short = np.tanh(c_prev @ w.weight_cc.T + w.bias_cc)
    return (c_prev - short) + decay * short, MemorySaved(c_prev, short, decay)


def fade_backward(
    dc_star: Array, s: MemorySaved, w: Weights
) -> tuple[list[Array], dict[str, Array], Array]:
    """Take the gradient by c* to that by c_prev, by the weights and by the decay (B,)."""
    da = dc_star * (s.decay - 1) * (1 - s.short**2)
    dw = {"weight_cc": da.T @ s.c_prev, "bias_cc": da.sum(axis=0)}
    ddecay: Array = (dc_star * s.short).sum(axis=1)
    return [dc_star + da @ w.weight_cc], dw, ddecay
