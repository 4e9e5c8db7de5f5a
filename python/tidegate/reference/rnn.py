"""Simple RNN (Elman 1990).

    h = act(W x + b_ih + R h_prev + b_hh)           the argument limited to ±clip

Backward: docs/equations/rnn.md.
"""

from __future__ import annotations

from typing import NamedTuple

from .activations import Array
from .weights import Weights, limit

State = tuple[Array, ...]


class RnnSaved(NamedTuple):
    """What the backward pass needs of one step: x (B, I), the others (B, H)."""

    x: Array
    h_prev: Array
    h: Array
    inside: Array  # slope of the limit


def rnn_step(x: Array, state: State, w: Weights) -> tuple[State, RnnSaved]:
    """One step: x (B, I) and state (h_prev,), (B, H), give the state (h,)."""
    (h_prev,) = state
    a = x @ w.weight_ih.T + w.bias_ih + h_prev @ w.weight_hh.T + w.bias_hh
    a, inside = limit(a, w.clip)
    h = w.act.value(a)
    return (h,), RnnSaved(x, h_prev, h, inside)


def rnn_step_backward(
    dstate: State, s: RnnSaved, w: Weights
) -> tuple[Array, State, dict[str, Array]]:
    """Take the gradient (dh,) by the state after the step to those by all before it.

    Returns dx (B, I), the gradient (dh_prev,), and this step's part of each weight's.
    """
    (dh,) = dstate
    da = dh * w.act.slope(s.h) * s.inside
    dw = {
        "weight_ih": da.T @ s.x,
        "weight_hh": da.T @ s.h_prev,
        "bias_ih": da.sum(axis=0),
        "bias_hh": da.sum(axis=0),
    }
    return da @ w.weight_ih, (da @ w.weight_hh,), dw
