"""Residual (He et al. 2016): y = x + layer(x). Deep stacks of recurrent layers learn with it.

Backward: dx = dy + the layer's dx.
"""

from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.parameters import Parameter
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.types import Array, Config, Shape
from tidegate.layers.weight_rules import WeightRule


class Residual(Layer):
    """Add what goes into a layer to what comes out.

    Parameters
    ----------
    layer : Layer
        Not built yet; its output has the shape of its input, such as that of
        `LSTM(64, return_sequences=True)` on 64 features.
    name, input_shape
        See Layer; the dtype is the layer's.

    Notes
    -----
    Parameters, masks, states and regularizers are those of the layer.

    Examples
    --------
    >>> from tidegate.layers import GRU
    >>> Residual(GRU(3, return_sequences=True))(np.zeros((2, 5, 3))).shape
    (2, 5, 3)
    """

    def __init__(
        self, layer: Layer, *, name: str | None = None, dtype: Any = None, input_shape: Any = None
    ) -> None:
        where = "Residual"
        if not isinstance(layer, Layer) or isinstance(layer, Residual):
            raise TypeError(f"{where}: layer is {layer!r}; expected a layer that is no Residual.")
        if layer.declared:
            raise ValueError(f"{where}: layer {layer.name!r} is built already; expected a new one.")
        if layer.takes_list:
            raise ValueError(
                f"{where}: layer {layer.name!r} takes several inputs; expected one to add to (in a "
                "Model, Add joins any)."
            )
        if layer.extra_outputs:
            raise ValueError(
                f"{where}: layer {layer.name!r} has several outputs ({layer.extra_outputs}); "
                "expected one."
            )
        if layer.takes_missing:
            raise ValueError(
                f"{where}: layer {layer.name!r} takes missing values, which its sum would keep; "
                "expected a layer of numbers (put it before the first Residual)."
            )
        if dtype is not None and checks.float_dtype(where, dtype) != layer.dtype:
            raise ValueError(
                f"{where}: dtype is {dtype!r}; expected {layer.dtype.name!r}, that of the layer."
            )
        super().__init__(
            name=name, dtype=layer.dtype, input_shape=input_shape or layer.declared_input_shape
        )
        self.layer = layer
        self.inner_layers = (layer,)
        self.random, self.stepwise = layer.random, layer.stepwise
        self.makes_mask = layer.makes_mask

    def _declare(self, input_shape: Shape) -> tuple[tuple[Parameter, ...], Shape]:
        output_shape = self._output_shape(input_shape)
        return self.layer.parameters, output_shape

    def _output_shape(self, input_shape: Shape) -> Shape:
        output_shape = self.layer.declare(input_shape)
        if output_shape != input_shape:
            raise ValueError(
                f"{self.name}: {self.layer.name!r} turns {checks.shape_text(input_shape)} into "
                f"{checks.shape_text(output_shape)}; expected one shape, to add both (as many "
                "units as inputs, return_sequences=True)."
            )
        return output_shape

    def output_shape_for(self, input_shape: Shape) -> Shape:
        """See Layer."""
        return input_shape

    def bind(self) -> None:
        """See Layer."""
        self.layer.bind()

    def weights_changed(self) -> None:
        """See Layer."""
        self.layer.weights_changed()

    def recurrent_parts(self) -> tuple[RecurrentLayer, ...]:
        """See Layer."""
        return self.layer.recurrent_parts()

    def weight_rules(self) -> list[WeightRule]:
        """See Layer."""
        return self.layer.weight_rules()

    def prepare(self, where: str, x: Any, name: str = "x") -> Array:
        """See Layer."""
        return self.layer.prepare(where, x, name)

    def output_mask(self, x: Array, mask: Array | None) -> Array | None:
        """See Layer."""
        return self.layer.output_mask(x, mask)

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return x + layer(x), like x, and what the layer saved."""
        masked = {} if mask is None else {"mask": mask}
        y, saved = self.layer.forward(x, training=training, rng=rng, **masked)
        return x + y, saved

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """See Layer."""
        dx = self.layer.backward(saved, dy, need_dx=need_dx)
        if not need_dx:
            return None
        return dy if dx is None else dy + dx

    def _config(self) -> Config:
        from tidegate.layers import registry  # whose table of all layers has this one

        return {"layer": registry.describe(self.layer)}

    @classmethod
    def from_config(cls, config: Any) -> Layer:
        """See Layer."""
        from tidegate.layers import registry

        if isinstance(config, dict) and "layer" in config:
            config = config | {"layer": registry.make("Residual", config["layer"])}
        return super().from_config(config)
