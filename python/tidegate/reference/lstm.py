"""LSTM with forget gate and peepholes (Hochreiter & Schmidhuber 1997; Gers & Schmidhuber 2000).

    a = W x + b_ih + R h_prev + b_hh, gate order i f g o
    i, f = σ(a_i + P_i c_prev), σ(a_f + P_f c_prev)     g = tanh(a_g)
    c = f∘c_prev + i∘g
    o = σ(a_o + P_o c)                                  the output gate sees the NEW cell state
    h = o∘tanh(c)

P_q is absent, a vector (H,) ("diagonal") or a matrix (H, H) ("full").
Backward: docs/equations/lstm.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .activations import Array
from .weights import Weights

State = tuple[Array, ...]


class LstmSaved(NamedTuple):
    """What the backward pass needs of one step: x (B, I), the others (B, H)."""

    x: Array
    h_prev: Array
    c_prev: Array
    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    squash_c: Array


def lstm_step(x: Array, state: State, w: Weights) -> tuple[State, LstmSaved]:
    """One step: x (B, I) and state (h_prev, c_prev), each (B, H), give the state (h, c)."""
    h_prev, c_prev = state
    p_i, p_f, p_o = w.peephole_rows
    a = x @ w.weight_ih.T + w.bias_ih + h_prev @ w.weight_hh.T + w.bias_hh
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=-1)
    i = w.gate.value(a_i + peep(p_i, c_prev))
    f = w.gate.value(a_f + peep(p_f, c_prev))
    g = w.act.value(a_g)
    c = f * c_prev + i * g
    o = w.gate.value(a_o + peep(p_o, c))
    squash_c = w.squash.value(c)
    h = o * squash_c
    return (h, c), LstmSaved(x, h_prev, c_prev, i, f, g, o, c, squash_c)


def lstm_step_backward(
    dstate: State, s: LstmSaved, w: Weights
) -> tuple[Array, State, dict[str, Array]]:
    """Take the gradients (dh, dc_next) by the state after the step to those by all before it.

    Returns dx (B, I), the gradients (dh_prev, dc_prev), and this step's part of each weight's.
    """
    dh, dc_next = dstate
    p_i, p_f, p_o = w.peephole_rows
    da_o = dh * s.squash_c * w.gate.slope(s.o)
    dc = dc_next + dh * s.o * w.squash.slope(s.squash_c) + peep_dc(p_o, da_o)
    da_i = dc * s.g * w.gate.slope(s.i)
    da_f = dc * s.c_prev * w.gate.slope(s.f)
    da_g = dc * s.i * w.act.slope(s.g)
    dc_prev = dc * s.f + peep_dc(p_i, da_i) + peep_dc(p_f, da_f)

    da = np.concatenate([da_i, da_f, da_g, da_o], axis=-1)
    dw = {
        "weight_ih": da.T @ s.x,
        "weight_hh": da.T @ s.h_prev,
        "bias_ih": da.sum(axis=0),
        "bias_hh": da.sum(axis=0),
    }
    if w.peephole is not None:
        dp = [peep_dp(p_i, da_i, s.c_prev), peep_dp(p_f, da_f, s.c_prev), peep_dp(p_o, da_o, s.c)]
        dw["peephole"] = np.stack(dp)
    return da @ w.weight_ih, (da @ w.weight_hh, dc_prev), dw


def peep(p: Array | None, c: Array) -> Array:
    """Compute P c for each row of c (B, H): zero, elementwise (diagonal) or a product (full)."""
    if p is None:
        return np.zeros_like(c)
    return c * p if p.ndim == 1 else c @ p.T


def peep_dc(p: Array | None, da: Array) -> Array:
    """Turn the gradient da by peep(p, c) into the one by c."""
    if p is None:
        return np.zeros_like(da)
    return da * p if p.ndim == 1 else da @ p


def peep_dp(p: Array, da: Array, c: Array) -> Array:
    """Turn the gradient da by peep(p, c) into the one by P."""
    dp: Array = (da * c).sum(axis=0) if p.ndim == 1 else da.T @ c
    return dp
