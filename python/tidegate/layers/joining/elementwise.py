"""Add, Multiply, Average: several inputs of one shape, element by element.

Add       y = Σ x_k        dx_k = dy
Average   y = Σ x_k / n    dx_k = dy / n
Multiply  y = Π x_k        dx_k = dy ∘ Π_{j≠k} x_j
"""

from functools import reduce
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.joining.masks import any_valid
from tidegate.layers.parameters import Parameter
from tidegate.layers.several_inputs import SeveralInputs
from tidegate.layers.types import Array, Shape


class _Elementwise(SeveralInputs):
    """Arguments: name, dtype; see Layer."""

    stepwise = True

    def _declare(self, input_shape: Any) -> tuple[tuple[Parameter, ...], Shape]:
        if not all(checks.alike(shape, input_shape[0]) for shape in input_shape):
            raise self.misfit(
                input_shape,
                "one shape (a Dense layer in a branch changes the number of its features)",
            )
        return (), checks.known_sizes(input_shape)

    def output_mask(self, x: Any, mask: Any) -> Array | None:
        """As in Keras: a step is valid where it is in any input; without a mask, everywhere."""
        return None if mask is None else any_valid(mask)


class Add(_Elementwise):
    """Sum of the inputs, for example of a layer and what it stands on (residual).

    Parameters
    ----------
    name, dtype
        See Layer; without parameters, the dtype is that of the inputs.

    Examples
    --------
    >>> Add()([np.ones((1, 2)), np.ones((1, 2))])
    array([[2., 2.]], dtype=float32)
    """

    def forward(
        self,
        x: Any,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Any = None,
    ) -> tuple[Array, Any]:
        """Return the sum, and how many inputs there were."""
        y = x[0] + x[1]
        for part in x[2:]:
            y += part
        return y, len(x)

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Any:
        """See Layer."""
        return [dy] * saved


class Average(Add):
    """Mean of the inputs; arguments as in Add."""

    def forward(
        self,
        x: Any,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Any = None,
    ) -> tuple[Array, Any]:
        """Return the mean, and how many inputs there were."""
        y, count = super().forward(x)
        y *= 1 / count
        return y, count

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Any:
        """See Layer."""
        return [dy * dy.dtype.type(1 / saved)] * saved


class Multiply(_Elementwise):
    """Product of the inputs, for example of values and a gate; arguments as in Add."""

    def forward(
        self,
        x: Any,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Any = None,
    ) -> tuple[Array, Any]:
        """Return the product and, when training, the inputs."""
        y: Array = reduce(np.multiply, x)
        return y, (x if training else None)

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Any:
        """See Layer."""
        others = [[x for j, x in enumerate(saved) if j != k] for k in range(len(saved))]
        return [reduce(np.multiply, rest, dy) for rest in others]
