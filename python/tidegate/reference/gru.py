"""GRU (Cho et al. 2014; Chung et al. 2014), gates in the order r z n.

    r = σ(W_r x + b_ir + R_r h_prev + b_hr)             z likewise
    n = tanh(W_n x + b_in + r∘q)    q = R_n h_prev + b_hn        reset_after=True (cuDNN, PyTorch)
    n = tanh(W_n x + b_in + q)      q = R_n (r∘h_prev) + b_hn    reset_after=False (Cho et al.)
    h = keep∘h_prev + (1 - keep)∘n  keep = z for update="retain", 1 - z for update="replace"

With layer normalisation, which needs reset_after=True, LN(W x; γ_x) and LN(R h_prev; γ_h) over the
three gates together take the place of W x and R h_prev. Arguments of σ and tanh are limited to
±clip where that is given.

Backward: docs/equations/gru.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .activations import Array
from .layer_norm import Normalized, layer_norm, product_gradients
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
    norms: tuple[Normalized | None, Normalized | None]  # of W x and R h_prev


def gru_step(x: Array, state: State, w: Weights) -> tuple[State, GruSaved]:
    """One step: x (B, I) and state (h_prev,), (B, H), give the state (h,)."""
    (h_prev,) = state
    a_x, norm_x = layer_norm(x @ w.weight_ih.T, w.gamma_ih)
    x_r, x_z, x_n = np.split(a_x + w.bias_ih, 3, axis=-1)
    a_h, norm_h = layer_norm(h_prev @ w.weight_hh.T, w.gamma_hh)
    h_r, h_z, q = np.split(a_h + w.bias_hh, 3, axis=-1)
    a_r, inside_r = limit(x_r + h_r, w.clip)
    a_z, inside_z = limit(x_z + h_z, w.clip)
    r, z = w.gate.value(a_r), w.gate.value(a_z)
    if w.reset_after:
        a_n, inside_n = limit(x_n + r * q, w.clip)
    else:
        weight_hn, b_hn = np.split(w.weight_hh, 3)[2], np.split(w.bias_hh, 3)[2]
        q = (r * h_prev) @ weight_hn.T + b_hn
        a_n, inside_n = limit(x_n + q, w.clip)
    n = w.act.value(a_n)
    keep = z if w.update == "retain" else 1 - z
    h = keep * h_prev + (1 - keep) * n
    inside = (inside_r, inside_z, inside_n)
    return (h,), GruSaved(x, h_prev, r, z, n, q, inside, (norm_x, norm_h))


def gru_step_backward(
    dstate: State, s: GruSaved, w: Weights
) -> tuple[Array, State, dict[str, Array]]:
    """Take the gradient (dh,) by the state after the step to those by all before it.

    Returns dx (B, I), the gradient (dh_prev,), and this step's part of each weight's.
    """
    (dh,) = dstate
    weight_hn = np.split(w.weight_hh, 3)[2]
    keep = s.z if w.update == "retain" else 1 - s.z
    dkeep = dh * (s.h_prev - s.n)
    dz = dkeep if w.update == "retain" else -dkeep
    inside_r, inside_z, inside_n = s.inside
    da_n = dh * (1 - keep) * w.act.slope(s.n) * inside_n
    da_z = dz * w.gate.slope(s.z) * inside_z
    if w.reset_after:
        dq = da_n * s.r
        dr = da_n * s.q
    else:
        dq = da_n
        dreset_h = dq @ weight_hn
        dr = dreset_h * s.h_prev
    da_r = dr * w.gate.slope(s.r) * inside_r
    da_x = np.concatenate([da_r, da_z, da_n], axis=-1)
    da_h = np.concatenate([da_r, da_z, dq], axis=-1)
    dproduct_x, dproduct_h, dw = product_gradients(da_x, da_h, s.x, s.h_prev, s.norms)
    dh_prev = dh * keep
    if w.reset_after:
        dh_prev = dh_prev + dproduct_h @ w.weight_hh
    else:  # R_n met r∘h_prev instead
        rz = slice(0, 2 * w.hidden_size)
        dh_prev = dh_prev + dproduct_h[:, rz] @ w.weight_hh[rz] + dreset_h * s.r
        dw["weight_hh"][rz.stop :] = dq.T @ (s.r * s.h_prev)
    return dproduct_x @ w.weight_ih, (dh_prev,), dw
