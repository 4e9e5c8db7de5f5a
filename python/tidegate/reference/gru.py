"""GRU (Cho et al. 2014; Chung et al. 2014), gates in the order r z n.

    r = σ(W_r x + b_ir + R_r h_prev + b_hr)             z likewise
    n = tanh(W_n x + b_in + r∘q)    q = R_n h_prev + b_hn        reset_after=True (cuDNN, PyTorch)
    n = tanh(W_n x + b_in + q)      q = R_n (r∘h_prev) + b_hn    reset_after=False (Cho et al.)
    h = keep∘h_prev + (1 - keep)∘n  keep = z for update="retain", 1 - z for update="replace"

Arguments of σ and tanh are limited to ±clip where that is given.

Backward: docs/equations/gru.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .activations import Array
from .weights import Weights, limit

State = tuple[Array, ...]


class GruSaved(NamedTuple):
    """What the backward pass needs of one step: x (B, I), the others (B, H)."""

    x: Array
    h_prev: Array
    r: Array
    z: Array
    n: Array
    q: Array
    inside: tuple[Array, Array, Array]  # slopes of the limits of r, z, n


def gru_step(x: Array, state: State, w: Weights) -> tuple[State, GruSaved]:
    """One step: x (B, I) and state (h_prev,), (B, H), give the state (h,)."""
    (h_prev,) = state
    weight_hr, weight_hz, weight_hn = np.split(w.weight_hh, 3)
    b_hr, b_hz, b_hn = np.split(w.bias_hh, 3)
    x_r, x_z, x_n = np.split(x @ w.weight_ih.T + w.bias_ih, 3, axis=-1)
    a_r, inside_r = limit(x_r + h_prev @ weight_hr.T + b_hr, w.clip)
    a_z, inside_z = limit(x_z + h_prev @ weight_hz.T + b_hz, w.clip)
    r, z = w.gate.value(a_r), w.gate.value(a_z)
    if w.reset_after:
        q = h_prev @ weight_hn.T + b_hn
        a_n, inside_n = limit(x_n + r * q, w.clip)
    else:
        q = (r * h_prev) @ weight_hn.T + b_hn
        a_n, inside_n = limit(x_n + q, w.clip)
    n = w.act.value(a_n)
    keep = z if w.update == "retain" else 1 - z
    h = keep * h_prev + (1 - keep) * n
    return (h,), GruSaved(x, h_prev, r, z, n, q, (inside_r, inside_z, inside_n))


def gru_step_backward(
    dstate: State, s: GruSaved, w: Weights
) -> tuple[Array, State, dict[str, Array]]:
    """Take the gradient (dh,) by the state after the step to those by all before it.

    Returns dx (B, I), the gradient (dh_prev,), and this step's part of each weight's.
    """
    (dh,) = dstate
    weight_hr, weight_hz, weight_hn = np.split(w.weight_hh, 3)
    keep = s.z if w.update == "retain" else 1 - s.z
    dkeep = dh * (s.h_prev - s.n)
    dz = dkeep if w.update == "retain" else -dkeep
    inside_r, inside_z, inside_n = s.inside
    da_n = dh * (1 - keep) * w.act.slope(s.n) * inside_n
    da_z = dz * w.gate.slope(s.z) * inside_z
    if w.reset_after:
        dq = da_n * s.r
        dr = da_n * s.q
        dh_prev = dq @ weight_hn
        dweight_hn = dq.T @ s.h_prev
    else:
        dq = da_n
        dreset_h = dq @ weight_hn
        dr = dreset_h * s.h_prev
        dh_prev = dreset_h * s.r
        dweight_hn = dq.T @ (s.r * s.h_prev)
    da_r = dr * w.gate.slope(s.r) * inside_r
    dh_prev = dh_prev + dh * keep + da_r @ weight_hr + da_z @ weight_hz

    da = np.concatenate([da_r, da_z, da_n], axis=-1)
    dw = {
        "weight_ih": da.T @ s.x,
        "weight_hh": np.concatenate([da_r.T @ s.h_prev, da_z.T @ s.h_prev, dweight_hn]),
        "bias_ih": da.sum(axis=0),
        "bias_hh": np.concatenate([da_r, da_z, dq], axis=-1).sum(axis=0),
    }
    return da @ w.weight_ih, (dh_prev,), dw
