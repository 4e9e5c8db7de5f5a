"""Embedding: y = E[x], a row of a table for each integer.

Backward: dE[k] is the sum of dy over the places where x = k.
"""

from typing import Any

import numpy as np

from tidegate.layers import checks, initializers
from tidegate.layers.base import Layer, initializer_config
from tidegate.layers.parameters import Parameter
from tidegate.layers.types import Array, Config, Shape
from tidegate.layers.weight_rules import RuleOptions, WeightRule


class Embedding(Layer):
    """Turn integers into vectors that are trained; the first layer of a model.

    Parameters
    ----------
    input_dim : int
        How many different integers there are, V: 0, 1, ... V-1.
    output_dim : int
        Size of a vector, D.
    embeddings_initializer : str or Initializer
    embeddings_regularizer : None, "l1", "l2" or Regularizer
    embeddings_constraint : None, str or Constraint
        "max_norm", "non_neg", "unit_norm" or an object; applied after each step of training.
    mask_zero : bool
        The integer 0 is padding: the layers above skip those steps. For input (N, T).
    name, dtype, input_shape
        See Layer; `input_shape=(T,)` for sequences of integers.

    Notes
    -----
    Parameter: embeddings (V, D). The input is (N, ...), integers, or floats without a fraction;
    the output is (N, ..., D).

    Examples
    --------
    >>> Embedding(10, 4)([[1, 2, 3]]).shape
    (1, 3, 4)
    """

    expects = "(N, ...) of integers"
    stepwise = True
    feature_axes = 0

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        *,
        name: str | None = None,
        dtype: Any = "float32",
        input_shape: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype, input_shape=input_shape)
        self.input_dim = checks.integer("Embedding", "input_dim", input_dim)
        self.output_dim = checks.integer("Embedding", "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(
            "Embedding", "embeddings_initializer", embeddings_initializer
        )
        self._rule_options = RuleOptions(
            "Embedding",
            {
                "embeddings_regularizer": embeddings_regularizer,
                "embeddings_constraint": embeddings_constraint,
            },
        )
        self.mask_zero = checks.boolean("Embedding", "mask_zero", mask_zero)
        self.makes_mask = self.mask_zero

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        if self.mask_zero and len(input_shape) != 1:
            raise ValueError(
                f"{self.name}: the input has shape {checks.shape_text(input_shape)}; expected "
                "(N, steps), as mask_zero=True makes a mask of steps."
            )
        shape = (self.input_dim, self.output_dim)
        table = Parameter(
            "embeddings", shape, self.dtype, lambda rng: self.embeddings_initializer(shape, rng)
        )
        return (table,), (*input_shape, self.output_dim)

    def weight_rules(self) -> list[WeightRule]:
        """See Layer."""
        return self._rule_options.rules({"embeddings": self.parameters})

    def general_shape(self, sample: Shape) -> Shape:
        """Accept sequences of any length: no axis of the input is one of features."""
        return tuple(None for _ in sample)

    def prepare(self, where: str, x: Any, name: str = "x") -> Array:
        """Return x as int64; refuse fractions and integers outside 0..V-1."""
        array = checks.numeric(where, name, x)
        if array.dtype.kind == "f":
            array = checks.finite(where, name, array, array.dtype)
            if (fraction := array != np.trunc(array)).any():
                found = array[fraction][0]
                raise ValueError(f"{where}: {name} has the value {found}; expected integers.")
        if array.size and (array.min() < 0 or array.max() >= self.input_dim):
            bad = (array < 0) | (array >= self.input_dim)
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"{where}: {name} has the value {array[first]} at index {first}; expected "
                f"0..{self.input_dim - 1}, as {self.name} has input_dim={self.input_dim}."
            )
        return np.require(array, np.int64, ["C", "A"])

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return the rows of the table and, when training, x."""
        return self.parameters[0].value[x], (x if training else None)

    def output_mask(self, x: Array, mask: Array | None) -> Array | None:
        """With mask_zero, exclude the steps whose integer is 0."""
        if not self.mask_zero:
            return mask
        steps: Array = x != 0
        return steps if mask is None else steps & mask

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """Sum the rows of dy that belong to one integer; integers have no gradient."""
        grad = self.parameters[0].grad
        grad.fill(0)
        tokens = saved.ravel()
        if tokens.size:
            # Sorted, each integer is one stretch of rows: the order of summation is fixed.
            order = np.argsort(tokens, kind="stable")
            ordered = tokens[order]
            starts = np.flatnonzero(np.diff(ordered, prepend=-1))
            rows = dy.reshape(-1, self.output_dim)[order]
            grad[ordered[starts]] = np.add.reduceat(rows, starts, axis=0)
        return None

    def _config(self) -> Config:
        return {
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializer_config(self.embeddings_initializer),
            **self._rule_options.config(),
            "mask_zero": self.mask_zero,
        }
