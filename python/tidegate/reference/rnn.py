"""Simple RNN (Elman 1990).

    h = act(W x + b_ih + R h_prev + b_hh)           the argument limited to ±clip
    h = act(LN(W x; γ_x) + b_ih + LN(R h_prev; γ_h) + b_hh)    with layer normalisation

Backward: docs/equations/rnn.md.
"""

from __future__ import annotations

from typing import NamedTuple

from .activations import Array
from .layer_norm import Normalized, layer_norm, product_gradients
from .weights import Weights, limit

State = tuple[Array, ...]


class RnnSaved(NamedTuple):
    """What the backward pass needs of one step: x (B, I), the others (B, H)."""

    x: Array
    h_prev: Array
    h: Array
    inside: Array  # slope of the limit
    norms: tuple[Normalized | None, Normalized | None]  # of W x and R h_prev


def rnn_step(x: Array, state: State, w: Weights) -> tuple[State, RnnSaved]:
    """One step: x (B, I) and state (h_prev,), (B, H), give the state (h,)."""
    (h_prev,) = state
    a_x, norm_x = layer_norm(x @ w.weight_ih.T, w.gamma_ih)
    a_h, norm_h = layer_norm(h_prev @ w.weight_hh.T, w.gamma_hh)
    a, inside = limit(a_x + w.bias_ih + a_h + w.bias_hh, w.clip)
    h = w.act.value(a)
    return (h,), RnnSaved(x, h_prev, h, inside, (norm_x, norm_h))


def rnn_step_backward(
    dstate: State, s: RnnSaved, w: Weights
) -> tuple[Array, State, dict[str, Array]]:
    """Take the gradient (dh,) by the state after the step to those by all before it.

    Returns dx (B, I), the gradient (dh_prev,), and this step's part of each weight's.
    """
    (dh,) = dstate
    da = dh * w.act.slope(s.h) * s.inside
    da_x, da_h, dw = product_gradients(da, da, s.x, s.h_prev, s.norms)
    return da_x @ w.weight_ih, (da_h @ w.weight_hh,), dw
