"""Layer normalisation (Ba, Kiros & Hinton 2016) in the form of haste, inside a recurrent step.

    LN(a; γ) = γ∘â    â = (a - mean(a)) / √(var(a) + ε)    over all elements of one row, ε = 1e-5

    W x and R h_prev become LN(W x; γ_x) and LN(R h_prev; γ_h), each over all gates together
    h = o∘tanh(c) of an LSTM becomes h = o∘tanh(LN(c; γ_c) + β_c); the c carried on stays raw

Backward: docs/equations/layer_norm.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .activations import Array

EPSILON = 1e-5


class Normalized(NamedTuple):
    """What the backward pass needs: â (B, N), 1 / √(var + ε) (B, 1), and the gain γ (N,)."""

    hat: Array
    scale: Array
    gain: Array


def layer_norm(
    a: Array, gain: Array | None, shift: Array | None = None
) -> tuple[Array, Normalized | None]:
    """Return LN(a; gain) + shift of each row of a (B, N), or a itself where there is no gain."""
    if gain is None:
        return a, None
    deviation = a - a.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt((deviation**2).mean(axis=-1, keepdims=True) + EPSILON)
    hat = deviation * scale
    normalized = gain * hat if shift is None else gain * hat + shift
    return normalized, Normalized(hat, scale, gain)


def layer_norm_backward(d: Array, saved: Normalized | None) -> Array:
    """Turn the gradient d (B, N) by layer_norm's result into the one by its argument."""
    if saved is None:
        return d
    dhat = d * saved.gain
    mean = dhat.mean(axis=-1, keepdims=True)
    along = (dhat * saved.hat).mean(axis=-1, keepdims=True)
    da: Array = saved.scale * (dhat - mean - saved.hat * along)
    return da


def product_gradients(
    da_x: Array, da_h: Array, x: Array, h_prev: Array, norms: tuple[Normalized | None, ...]
) -> tuple[Array, Array, dict[str, Array]]:
    """Go back through LN(W x) + b_x and LN(R h_prev) + b_h, each layer_norm as far as there is one.

    da_x and da_h (B, G*H) are the gradients by the two terms. Returns those by W x and by R h_prev,
    and the parts of W, R, both biases and both gains.
    """
    norm_x, norm_h = norms[:2]
    dproduct_x, dproduct_h = layer_norm_backward(da_x, norm_x), layer_norm_backward(da_h, norm_h)
    dw = {
        "weight_ih": dproduct_x.T @ x,
        "weight_hh": dproduct_h.T @ h_prev,
        "bias_ih": da_x.sum(axis=0),
        "bias_hh": da_h.sum(axis=0),
    }
    if norm_x is not None and norm_h is not None:
        dw["gamma_ih"], dw["gamma_hh"] = gain_gradient(da_x, norm_x), gain_gradient(da_h, norm_h)
    return dproduct_x, dproduct_h, dw


def gain_gradient(d: Array, saved: Normalized) -> Array:
    """Turn the gradient d (B, N) by layer_norm's result into the one by the gain."""
    dgain: Array = (d * saved.hat).sum(axis=0)
    return dgain
