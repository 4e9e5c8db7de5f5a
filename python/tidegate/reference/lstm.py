"""LSTM with forget gate and peepholes (Hochreiter & Schmidhuber 1997; Gers & Schmidhuber 2000).

    a = W x + b_ih + R h_prev + b_hh, gate order i f g o
    i, f = σ(a_i + P_i c_prev), σ(a_f + P_f c_prev)     g = tanh(a_g)
    c = f∘c_prev + i∘g
    o = σ(a_o + P_o c)                                  the output gate sees the NEW cell state
    h = o∘tanh(c)       or, with a projection W_hr (Sak et al. 2014),  m = o∘tanh(c), h = W_hr m

P_q is absent, a vector (H,) ("diagonal") or a matrix (H, H) ("full").

    coupled="input"      i = 1 - f, gate order f g o           coupled="forget"  f = 1 - i, i g o
    γ_x, γ_h, γ_c, β_c   layer normalisation of W x, of R h_prev and of the c in tanh(c)
    clip                 the arguments of σ and of g's tanh are limited to ±clip
    cell_clip            c is limited as it is stored: c = limit(f∘c_prev + i∘g)
    output_clip          c is limited on its way out only: h = o∘tanh(limit(c))

Backward: docs/equations/lstm.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .activations import Array
from .layer_norm import (
    Normalized,
    gain_gradient,
    layer_norm,
    layer_norm_backward,
    product_gradients,
)
from .weights import Weights, limit

State = tuple[Array, ...]


class LstmSaved(NamedTuple):
    """What the backward pass needs of one step: x (B, I), h_prev (B, P), the others (B, H)."""

    x: Array
    h_prev: Array
    c_prev: Array
    i: Array
    f: Array
    g: Array
    o: Array
    c: Array
    squash_c: Array
    inside: dict[str, Array]  # slopes of the limits: of the gates, of c and of c on its way out
    norms: tuple[Normalized | None, Normalized | None, Normalized | None]  # of W x, R h_prev, c


def lstm_step(x: Array, state: State, w: Weights) -> tuple[State, LstmSaved]:
    """One step: x (B, I) and state (h_prev (B, P), c_prev (B, H)) give the state (h, c)."""
    h_prev, c_prev = state
    p = w.peephole_rows
    a_x, norm_x = layer_norm(x @ w.weight_ih.T, w.gamma_ih)
    a_h, norm_h = layer_norm(h_prev @ w.weight_hh.T, w.gamma_hh)
    sums = a_x + w.bias_ih + a_h + w.bias_hh
    a = dict(zip(w.gate_names, np.split(sums, len(w.gate_names), axis=-1), strict=True))
    inside = {}

    def gate(q: str, c_seen: Array) -> Array:
        argument, inside[q] = limit(a[q] + peep(p[q], c_seen), w.clip)
        return w.gate.value(argument)

    a_g, inside["g"] = limit(a["g"], w.clip)
    g = w.act.value(a_g)
    i = gate("i", c_prev) if "i" in a else 1 - gate("f", c_prev)
    f = gate("f", c_prev) if "f" in a else 1 - i
    c, inside["c"] = limit(f * c_prev + i * g, w.cell_clip)
    o = gate("o", c)
    seen_c, norm_c = layer_norm(c, w.gamma_c, w.beta_c)
    limited_c, inside["out"] = limit(seen_c, w.output_clip)
    squash_c = w.squash.value(limited_c)
    m = o * squash_c
    h = m if w.weight_hr is None else m @ w.weight_hr.T
    norms = (norm_x, norm_h, norm_c)
    return (h, c), LstmSaved(x, h_prev, c_prev, i, f, g, o, c, squash_c, inside, norms)


def lstm_step_backward(
    dstate: State, s: LstmSaved, w: Weights
) -> tuple[Array, State, dict[str, Array]]:
    """Take the gradients (dh, dc_next) by the state after the step to those by all before it.

    Returns dx (B, I), the gradients (dh_prev, dc_prev), and this step's part of each weight's.
    """
    dh, dc_next = dstate
    p, inside = w.peephole_rows, s.inside
    dm = dh if w.weight_hr is None else dh @ w.weight_hr
    da = {"o": dm * s.squash_c * w.gate.slope(s.o) * inside["o"]}
    norm_c = s.norms[2]
    dsquashed = dm * s.o * w.squash.slope(s.squash_c) * inside["out"]
    dc = dc_next + layer_norm_backward(dsquashed, norm_c) + peep_dc(p["o"], da["o"])
    dc = dc * inside["c"]
    di, df = dc * s.g, dc * s.c_prev
    if w.coupled == "input":  # i = 1 - f
        da["f"] = (df - di) * w.gate.slope(s.f) * inside["f"]
    elif w.coupled == "forget":  # f = 1 - i
        da["i"] = (di - df) * w.gate.slope(s.i) * inside["i"]
    else:
        da["i"] = di * w.gate.slope(s.i) * inside["i"]
        da["f"] = df * w.gate.slope(s.f) * inside["f"]
    da["g"] = dc * s.i * w.act.slope(s.g) * inside["g"]
    dc_prev = dc * s.f + sum(peep_dc(p[q], da[q]) for q in "if" if q in da)

    rows = np.concatenate([da[q] for q in w.gate_names], axis=-1)
    rows_x, rows_h, dw = product_gradients(rows, rows, s.x, s.h_prev, s.norms)
    if w.peephole is not None:
        seen = {"i": s.c_prev, "f": s.c_prev, "o": s.c}
        dw["peephole"] = np.stack([peep_dp(row, da[q], seen[q]) for q, row in p.items()])
    if w.weight_hr is not None:
        dw["weight_hr"] = dh.T @ (s.o * s.squash_c)
    if norm_c is not None:
        dw["gamma_c"], dw["beta_c"] = gain_gradient(dsquashed, norm_c), dsquashed.sum(axis=0)
    return rows_x @ w.weight_ih, (rows_h @ w.weight_hh, dc_prev), dw


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
