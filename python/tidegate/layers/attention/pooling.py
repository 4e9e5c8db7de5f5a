"""Attention pooling: one vector of a sequence, by a learned query (Yang et al. 2016).

u_t = tanh(x_t W + b)     s_t = u_t · q     a = softmax(s)     y = Σ a_t x_t
dx_t = a_t dy + du_t Wᵀ   du_t = ds_t q ∘ (1 - u_t²)           dq = Σ ds_t u_t
"""

from typing import Any

import numpy as np

from tidegate.layers import checks, initializers
from tidegate.layers.attention.scores import ReturnsScores
from tidegate.layers.attention.weights import softmax, softmax_backward
from tidegate.layers.base import initializer_config
from tidegate.layers.parameters import Parameter
from tidegate.layers.types import Array, Config, Shape


class AttentionPooling(ReturnsScores):
    """Weighted mean of a sequence over its steps, such as the outputs of a recurrent layer.

    Parameters
    ----------
    units : int
        Size of the space in which steps are compared with the query, A.
    kernel_initializer, bias_initializer, query_initializer : str or Initializer
    name, dtype, input_shape
        See Layer; `input_shape=(T, I)`.

    Notes
    -----
    Parameters: kernel (I, A), bias (A,) and query (A,). (B, T, I) becomes (B, I); the weights that
    `layer(x, return_attention_scores=True)` returns too are (B, T). Steps that a mask
    excludes have weight 0; where it excludes all of them the output is 0.

    Examples
    --------
    >>> AttentionPooling(4)(np.ones((5, 7, 3))).shape
    (5, 3)
    """

    expects = "(N, steps, features)"

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        query_initializer: Any = "glorot_uniform",
        *,
        name: str | None = None,
        dtype: Any = "float32",
        input_shape: Any = None,
    ) -> None:
        where = "AttentionPooling"
        super().__init__(name=name, dtype=dtype, input_shape=input_shape)
        self.units = checks.integer(where, "units", units)
        self.kernel_initializer = initializers.get(where, "kernel_initializer", kernel_initializer)
        self.bias_initializer = initializers.get(where, "bias_initializer", bias_initializer)
        self.query_initializer = initializers.get(where, "query_initializer", query_initializer)

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        if len(input_shape) != 2 or input_shape[1] is None:
            raise ValueError(
                f"{self.name}: the input has shape {checks.shape_text(input_shape)}; expected "
                "(N, steps, features) (after a recurrent layer: return_sequences=True there)."
            )
        features, units = input_shape[1], self.units
        parameters = (
            Parameter(
                "kernel",
                (features, units),
                self.dtype,
                lambda rng: self.kernel_initializer((features, units), rng),
            ),
            Parameter(
                "bias", (units,), self.dtype, lambda rng: self.bias_initializer((units,), rng)
            ),
            Parameter(
                "query", (units,), self.dtype, lambda rng: self.query_initializer((units,), rng)
            ),
        )
        return parameters, (features,)

    def _attend(self, x: Array, mask: Array | None) -> tuple[Array, Array, Array]:
        """Return y, the weights (B, T) and u (B*T, A)."""
        kernel, bias, query = (parameter.value for parameter in self.parameters)
        u = x.reshape(-1, x.shape[-1]).dot(kernel)
        u += bias
        np.tanh(u, out=u)
        weights = softmax(u.dot(query).reshape(x.shape[:2]), mask)
        return np.matmul(weights[:, None], x)[:, 0], weights, u

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return y (B, I) and, when training, what `backward` needs."""
        y, weights, u = self._attend(x, mask)
        return y, ((x, weights, u) if training else None)

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        x, weights, u = saved
        kernel, bias, query = self.parameters
        dscores = softmax_backward(weights, np.matmul(x, dy[..., None])[..., 0]).reshape(-1)
        u.T.dot(dscores, out=query.grad)
        du = 1 - u * u
        du *= dscores[:, None]
        du *= query.value
        x.reshape(-1, x.shape[-1]).T.dot(du, out=kernel.grad)
        np.add.reduce(du, axis=0, out=bias.grad)
        if not need_dx:
            return None
        dx: Array = du.dot(kernel.value.T).reshape(x.shape)
        dx += weights[..., None] * dy[:, None]
        return dx

    def output_mask(self, x: Array, mask: Array | None) -> Array | None:
        """There are no steps in the output."""
        return None

    def _config(self) -> Config:
        return {
            "units": self.units,
            "kernel_initializer": initializer_config(self.kernel_initializer),
            "bias_initializer": initializer_config(self.bias_initializer),
            "query_initializer": initializer_config(self.query_initializer),
        }
