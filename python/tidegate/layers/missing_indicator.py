"""MissingIndicator: NaN in, numbers out, and what was missing beside them."""

from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.missing_input import (
    config_of,
    features_of,
    prepare_missing,
    take_input_apart,
)
from tidegate.layers.parameters import Parameter
from tidegate.layers.types import Array, Config, Shape
from tidegate.sequences.missing import add_to_sources, check_mean


class MissingIndicator(Layer):
    """Carry missing values forward and add what was missing, and for how long, as inputs.

    Parameters
    ----------
    mean : sequence of F floats, optional
        Stands in before a feature is first observed (`tidegate.sequences.feature_means`); 0 if
        omitted.
    time_feature : bool
        Whether the last feature of the input is the time of the step, which is not passed on. If
        not, steps are one unit apart, and those that the mask excludes take no time.
    name, dtype, input_shape
        See Layer.

    Notes
    -----
    (B, T, F) with NaN becomes (B, T, 3F): values | 1 where observed, else 0 | time since the
    feature was last observed before the step. See `tidegate.sequences.missing_indicator`, which
    does the same to an array; Lipton, Kale & Wetzel 2016.

    Examples
    --------
    >>> MissingIndicator()([[[5.0], [np.nan], [7.0]]])[0].T
    array([[5., 5., 7.],
           [1., 0., 1.],
           [0., 1., 2.]], dtype=float32)
    """

    expects = "(N, steps, features)"
    takes_missing = True

    def __init__(
        self,
        mean: Any = None,
        time_feature: bool = False,
        *,
        name: str | None = None,
        dtype: Any = "float32",
        input_shape: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype, input_shape=input_shape)
        self.mean = None if mean is None else check_mean("MissingIndicator", mean)
        self.time_feature = checks.boolean("MissingIndicator", "time_feature", time_feature)

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        if len(input_shape) != 2 or input_shape[1] is None:
            raise ValueError(
                f"{self.name}: the input has shape {checks.shape_text(input_shape)}; expected "
                "(N, steps, features)."
            )
        features = features_of(self.name, input_shape, self.mean, self.time_feature)
        return (), (input_shape[0], 3 * features)

    def prepare(self, where: str, x: Any, name: str = "x") -> Array:
        """See Layer; NaN is a missing value."""
        return prepare_missing(where, name, x, self.dtype, self.time_feature)

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return (B, T, 3F) and, when training, where each value came from."""
        parts = take_input_apart(self.name, x, mask, self.mean, self.time_feature)
        y = np.concatenate([parts.carried, parts.observed.astype(x.dtype), parts.gaps], axis=2)
        return y, parts.source if training else None

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer; times and what is missing have no gradient."""
        if not need_dx:
            return None
        batch, steps, features = saved.shape
        dx = np.zeros((batch, steps, features + self.time_feature), dy.dtype)
        add_to_sources(dx[..., :features], dy[..., :features], saved)
        return dx

    def _config(self) -> Config:
        return config_of(self.mean, self.time_feature)
