"""Simple RNN (Elman 1990).

    h = act(W x + b_ih + R h_prev + b_hh)           the argument limited to ±clip
    h = act(LN(W x; γ_x) + b_ih + LN(R h_prev; γ_h) + b_hh)    with layer normalisation

Backward: docs/equations/rnn.md.
"""

from __future__ import annotations

from typing import NamedTuple

from .activations import Array
from .layer_norm import Normalized, gain_gradient, layer_norm, layer_norm_backward
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
    norm_x, norm_h = s.norms
    da_x, da_h = layer_norm_backward(da, norm_x), layer_norm_backward(da, norm_h)
    dw = {
        "weight_ih": da_x.T @ s.x,
        "weight_hh": da_h.T @ s.h_prev,
        "bias_ih": da.sum(axis=0),
        "bias_hh": da.sum(axis=0),
    }
    if norm_x is not None and norm_h is not None:
        dw["gamma_ih"], dw["gamma_hh"] = gain_gradient(da, norm_x), gain_gradient(da, norm_h)
    return da_x @ w.weight_ih, (da_h @ w.weight_hh,), dw
