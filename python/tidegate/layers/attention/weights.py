"""Weights of steps from their scores: a softmax over the steps that count, and its gradient.

    a_t = exp(s_t) / Σ exp(s_u)      over the steps u that count; 0 elsewhere
    ds_t = a_t (da_t - Σ a_u da_u)

Where no step counts, every weight is 0, and so is the mean, as it is where there are no steps.
(Keras weighs all steps alike there.)
"""

import numpy as np

from tidegate.layers.types import Array


def softmax(scores: Array, mask: Array | None, exponent: Array | None = None) -> Array:
    """Turn scores (..., T), times 2**exponent, into weights, in place; the mask is broadcast."""
    if not scores.size:  # a maximum of nothing is no number
        return scores
    if mask is not None:
        np.copyto(scores, -np.inf, where=~mask)
    top = scores.max(axis=-1, keepdims=True)
    if mask is not None:
        top[top == -np.inf] = 0
    scores -= top
    if exponent is not None:
        np.ldexp(scores, exponent, out=scores)
    np.exp(scores, out=scores)
    total = scores.sum(axis=-1, keepdims=True)
    if mask is not None:
        total[total == 0] = 1
    scores /= total
    return scores


def softmax_backward(weights: Array, dweights: Array) -> Array:
    """Return the gradient by the scores; overwrites dweights."""
    dweights -= (weights * dweights).sum(axis=-1, keepdims=True)
    dweights *= weights
    return dweights
