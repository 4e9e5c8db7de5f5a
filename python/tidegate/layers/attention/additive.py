"""Additive attention (Bahdanau, Cho & Bengio 2015), after the projections of query and key.

e = tanh(query_i + key_j)     s_ij = Σ scale ∘ e
dpre = ds_ij · scale ∘ (1 - e²);  dquery_i = Σ_j dpre,  dkey_j = Σ_i dpre,  dscale = Σ ds_ij e
"""

from typing import Any

import numpy as np

from tidegate.layers import checks, initializers
from tidegate.layers.attention.base import QueryAttention
from tidegate.layers.parameters import Parameter
from tidegate.layers.types import Array, Config

_GLOROT = initializers.get("AdditiveAttention", "initializer", "glorot_uniform")


class AdditiveAttention(QueryAttention):
    """Mean of `value` over its steps, weighted by a small network of query and key.

    Parameters
    ----------
    use_scale : bool
        Train the weights of that network's output, scale (D,); else they are 1.
    name, dtype
        See Layer.

    Notes
    -----
    Inputs and masks as in Attention. The paper's projections of query and key are Dense layers
    before it, as in Keras. An array (B, Tq, Tv, D) is kept while training.

    Examples
    --------
    >>> AdditiveAttention()([np.ones((1, 2, 4)), np.ones((1, 5, 4))]).shape
    (1, 2, 4)
    """

    def __init__(
        self, use_scale: bool = True, *, name: str | None = None, dtype: Any = "float32"
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.use_scale = checks.boolean("AdditiveAttention", "use_scale", use_scale)

    def _score_parameters(self, features: int) -> tuple[Parameter, ...]:
        if not self.use_scale:
            return ()
        return (Parameter("scale", (features,), self.dtype, lambda rng: _GLOROT((features,), rng)),)

    def _scores(self, query: Array, key: Array) -> tuple[Array, Any]:
        e = query[:, :, None] + key[:, None]
        np.tanh(e, out=e)
        scores: Array = e.dot(self.parameters[0].value) if self.use_scale else e.sum(axis=-1)
        return scores, e

    def _scores_backward(
        self, query: Array, key: Array, saved: Any, dscores: Array
    ) -> tuple[Array, Array]:
        dpre = 1 - saved * saved
        dpre *= dscores[..., None]
        if self.use_scale:
            scale = self.parameters[0]
            rows = saved.reshape(-1, saved.shape[-1])
            rows.T.dot(dscores.reshape(-1), out=scale.grad)
            dpre *= scale.value
        return dpre.sum(axis=2), dpre.sum(axis=1)

    def _config(self) -> Config:
        return {"use_scale": self.use_scale}
