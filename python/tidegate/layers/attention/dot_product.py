"""Attention by dot products (Luong, Pham & Manning 2015; scaled: Vaswani et al. 2017).

s = query · keyᵀ · scale      ds = scale · dS:  dquery = ds key,  dkey = dsᵀ query
"""

import math
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.attention.base import QueryAttention
from tidegate.layers.parameters import Parameter
from tidegate.layers.types import Array, Config

SCORES = ("dot", "scaled_dot")


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
