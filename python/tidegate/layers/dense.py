"""Dense: y = activation(x W + b), on the last axis of an input of any rank.

Backward, with x and da flattened to rows: dW = xᵀ da, db = Σ da, dx = da Wᵀ.
"""

from typing import Any

import numpy as np

from tidegate.layers import activations, checks, initializers
from tidegate.layers.base import Layer, initializer_config
from tidegate.layers.parameters import Parameter
from tidegate.layers.types import Array, Config, Shape
from tidegate.layers.weight_rules import RuleOptions, WeightRule


class Dense(Layer):
    """Fully connected layer; on (B, T, I) it acts on every step alike.

    Parameters
    ----------
    units : int
        Size of the output's last axis, O.
    activation : str, Activation, (str, dict) or None
        "softmax", or one of `tidegate.Activation`.
    use_bias : bool
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer : None, "l1", "l2" or Regularizer
    kernel_constraint, bias_constraint : None, str or Constraint
        "max_norm", "non_neg", "unit_norm" or an object; applied after each step of training.
    name, dtype, input_shape
        See Layer.

    Notes
    -----
    Parameters: kernel (I, O) and bias (O,). The products are NumPy's: large ones (some 262 000
    multiplications with OpenBLAS) may differ in their last bits when the number of *its* threads
    does; `tidegate.set_num_threads` does not change them.

    Examples
    --------
    >>> Dense(2)(np.zeros((5, 3))).shape
    (5, 2)
    """

    expects = "(N, ..., features)"
    stepwise = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        *,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        name: str | None = None,
        dtype: Any = "float32",
        input_shape: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype, input_shape=input_shape)
        self.units = checks.integer("Dense", "units", units)
        self.activation = activations.get("Dense", activation)
        self.use_bias = checks.boolean("Dense", "use_bias", use_bias)
        self.kernel_initializer = initializers.get(
            "Dense", "kernel_initializer", kernel_initializer
        )
        self.bias_initializer = initializers.get("Dense", "bias_initializer", bias_initializer)
        self._rule_options = RuleOptions(
            "Dense",
            {
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
        )

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        if not input_shape or input_shape[-1] is None:
            raise ValueError(
                f"{self.name}: the input has shape {checks.shape_text(input_shape)}; "
                "expected (N, ..., features) with a known number of features."
            )
        shape = (input_shape[-1], self.units)
        kernel = Parameter(
            "kernel", shape, self.dtype, lambda rng: self.kernel_initializer(shape, rng)
        )
        bias = Parameter(
            "bias", shape[1:], self.dtype, lambda rng: self.bias_initializer(shape[1:], rng)
        )
        output_shape = (*input_shape[:-1], self.units)
        return ((kernel, bias) if self.use_bias else (kernel,)), output_shape

    def weight_rules(self) -> list[WeightRule]:
        """See Layer."""
        return self._rule_options.rules(
            {"kernel": self.parameters[:1], "bias": self.parameters[1:]}
        )

    def logits(self, x: Array) -> tuple[Array, Array]:
        """Return x W + b, rows (n, O), and the rows of x (n, I)."""
        rows = x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
        a = rows.dot(self.parameters[0].value)
        if self.use_bias:
            a += self.parameters[1].value
        return a, rows

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return y (..., O) and, when training, the rows of x and y."""
        a, rows = self.logits(x)
        y = self.activation.value(a)
        output = y if x.ndim == 2 else y.reshape(*x.shape[:-1], self.units)
        return output, ((rows, y, x.shape) if training else None)

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        rows, y, shape = saved
        da = self.activation.backward(y, dy if dy.ndim == 2 else dy.reshape(y.shape))
        return self.backward_logits((rows, shape), da, need_dx=need_dx)

    def backward_logits(self, saved: Any, da: Array, *, need_dx: bool = True) -> Array | None:
        """Backward from the gradient by the pre-activations, rows (n, O)."""
        rows, shape = saved
        kernel = self.parameters[0]
        rows.T.dot(da, out=kernel.grad)
        if self.use_bias:
            np.add.reduce(da, axis=0, out=self.parameters[1].grad)
        if not need_dx:
            return None
        dx: Array = da.dot(kernel.value.T)
        return dx if len(shape) == 2 else dx.reshape(shape)

    def _config(self) -> Config:
        return {
            "units": self.units,
            "activation": self.activation.config or self.activation.name,
            "use_bias": self.use_bias,
            "kernel_initializer": initializer_config(self.kernel_initializer),
            "bias_initializer": initializer_config(self.bias_initializer),
            **self._rule_options.config(),
        }
