"""Attention by dot products (Luong, Pham & Manning 2015; scaled: Vaswani et al. 2017).

s = query · keyᵀ · scale      ds = scale · dS:  dquery = ds key,  dkey = dsᵀ query
"""

import math
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.attention.base import QueryAttention
from tidegate.layers.attention.weights import softmax
from tidegate.layers.parameters import Parameter
from tidegate.layers.types import Array, Config

SCORES = ("dot", "scaled_dot")


def _overflowed(scores: Array, mask: Array | None) -> Array:
    """Return the sequences in which a score that counts is not finite."""
    if np.isfinite(np.add.reduce(scores, axis=None)):
        return np.arange(0)
    good = np.isfinite(scores)
    if mask is not None:
        good |= ~mask
    return np.flatnonzero(~good.all(axis=(1, 2)))


class Attention(QueryAttention):
    """Mean of `value` over its steps, weighted by how well its keys agree with the query.

    Parameters
    ----------
    use_scale : bool
        Train a factor of the scores; it starts at 1.
    score_mode : {"dot", "scaled_dot"}
        "scaled_dot" divides the scores by the square root of the number of features of the query.
    name, dtype
        See Layer.

    Notes
    -----
    Takes [query (B, Tq, D), value (B, Tv, E)] or [query, value, key (B, Tv, D)], as Keras's layer
    does; without a key, value is the key. Steps of value that a mask excludes have weight 0; where
    it excludes all of them the output is 0.

    Examples
    --------
    >>> Attention()([np.ones((1, 2, 4)), np.ones((1, 5, 4))]).shape
    (1, 2, 4)
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.use_scale = checks.boolean("Attention", "use_scale", use_scale)
        self.score_mode = checks.choice("Attention", "score_mode", score_mode, SCORES)

    def _score_parameters(self, features: int) -> tuple[Parameter, ...]:
        self._factor = 1 / math.sqrt(features) if self.score_mode == "scaled_dot" else 1.0
        if not self.use_scale:
            return ()
        return (Parameter("scale", (), self.dtype, lambda rng: np.ones(())),)

    def _scores(self, query: Array, key: Array) -> tuple[Array, Any]:
        products = np.matmul(query, key.swapaxes(1, 2))
        if self._factor != 1:
            products *= self._factor
        return (
            (products * self.parameters[0].value, products) if self.use_scale else (products, None)
        )

    def _weigh(self, query: Array, key: Array, mask: Array | None) -> tuple[Array, Any]:
        """See the base; where a score overflows, the differences still make weights."""
        scores, saved = self._scores(query, key)
        overflowed = _overflowed(scores, mask)
        weights = softmax(scores, mask)
        for row in overflowed:
            counts = None if mask is None else mask[row]
            weights[row], products = self._weigh_scaled(query[row], key[row], counts)
            if saved is not None:
                saved[row] = products
        return weights, saved

    def _weigh_scaled(self, query: Array, key: Array, mask: Array | None) -> tuple[Array, Array]:
        """Return the weights (Tq, Tv) of one sequence, and its products, at most the largest float.

        Powers of two are taken out of each query and of all keys, which is exact.
        """
        if mask is not None:
            key = np.where(mask[0, :, None], key, key.dtype.type(0))
        above = np.frexp(np.abs(query).max(axis=1, keepdims=True))[1]
        of_keys = np.frexp(np.abs(key).max())[1]
        exponent = above + of_keys
        small = np.matmul(np.ldexp(query, -above), np.ldexp(key, -of_keys).T)
        small *= small.dtype.type(self._factor)
        most = np.finfo(small.dtype).max
        products = np.clip(np.ldexp(small, exponent), -most, most)
        scores = small * self.parameters[0].value if self.use_scale else small
        return softmax(scores, mask, exponent), products

    def _scores_backward(
        self, query: Array, key: Array, saved: Any, dscores: Array
    ) -> tuple[Array, Array]:
        if self.use_scale:
            scale = self.parameters[0]
            scale.grad[...] = np.vdot(saved, dscores)
            dscores *= scale.value
        if self._factor != 1:
            dscores *= self._factor
        return np.matmul(dscores, key), np.matmul(dscores.swapaxes(1, 2), query)

    def _config(self) -> Config:
        return {"use_scale": self.use_scale, "score_mode": self.score_mode}
