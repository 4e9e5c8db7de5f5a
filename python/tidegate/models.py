"""Sequential: layers one after another, with Keras's interface."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tidegate.layers import Input, checks
from tidegate.layers.base import Layer
from tidegate.layers.building import building
from tidegate.layers.masked_input import masked_input, require_steps
from tidegate.layers.parameters import assign_all
from tidegate.layers.types import Array
from tidegate.training.random_streams import RandomStreams
from tidegate.training.trainer import Trainer

__all__ = ["Sequential"]


class Sequential(Trainer):
    """A stack of layers.

    Parameters
    ----------
    layers : list of Layer, optional
        The first may be an Input.
    name : str
    seed : int, optional
        Of the first weights, the order of samples and dropout; drawn from the system if omitted.

    Attributes
    ----------
    layers : list of Layer
    input_shape, output_shape : tuple of int or None
        Of one sample, once the model is built.

    Notes
    -----
    The model is built when its first layer knows its `input_shape`, else on the first data. All
    parameters lie in one flat array per dtype, and all gradients in another.

    Examples
    --------
    >>> from tidegate.layers import LSTM, Dense
    >>> model = Sequential([LSTM(10, input_shape=(10, 1)), Dense(1)], seed=0)
    >>> model.predict(np.zeros((2, 10))).shape
    (2, 1)
    """

    def __init__(
        self,
        layers: Iterable[Layer | Input] | None = None,
        name: str = "sequential",
        *,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        if not isinstance(name, str):
            raise TypeError(f"Sequential: name is {name!r}; expected a string.")
        self.name = name
        for layer in [] if layers is None else layers:
            self.add(layer)

    # -- structure ---------------------------------------------------------------------------------

    def add(self, layer: Layer | Input) -> None:
        """Put a layer on top.

        Raises
        ------
        TypeError
            It is no layer.
        ValueError
            It does not fit, or is in the model already.
        """
        before = list(self.layers)
        self.append("Sequential.add", layer)
        try:
            self._structure_changed()
        except ValueError:
            self.layers = before
            self.built = bool(self.buffers)
            raise

    def pop(self) -> Layer:
        """Take the top layer off and return it."""
        if not self.layers:
            raise ValueError("Sequential.pop: the model has no layers.")
        layer = self.layers.pop()
        self._structure_changed()
        return layer

    def _structure_changed(self) -> None:
        self.built = False
        if self.layers:
            shape = self.input_shape or self.layers[0].declared_input_shape
            if shape is not None:
                self.build(shape)

    def build(self, input_shape: Any) -> None:
        """Give the parameters memory and first values, for samples of a shape without the batch.

        Layers that have values already keep them.
        """
        where = "Sequential.build"
        self.require_layers(where)
        shape = checks.input_shape(where, input_shape)
        self.declare(shape)
        had_values = [layer.built for layer in self.layers]
        self.allocate()
        streams = RandomStreams(self.seed, "initial weights")
        for number, layer in enumerate(self.layers):
            if not had_values[number]:
                layer.draw(streams.at(number))
        self.weights_changed()

    # -- use ---------------------------------------------------------------------------------------

    def prepare_input(
        self, where: str, x: Any, lengths: Any = None, mask: Any = None
    ) -> tuple[Array, Array | None]:
        """Return x as the first layer takes it, and the mask; build the model on first data."""
        self.require_layers(where)
        x, steps = masked_input(where, x, lengths, mask)
        first = self.layers[0]
        with building():
            if not self.built:
                sample = checks.numeric(where, "x", x).shape[1:]
                self.build(self.input_shape or first.general_shape(sample))
        feature_axes = first.feature_axes
        if not first.parameters and not first.takes_missing:
            first = next((layer for layer in self.layers if layer.parameters), first)
        array = first.prepare(where, x)
        shape = self.input_shape
        assert shape is not None
        # As Keras does: a feature axis of size 1 may be missing or one too many.
        if array.ndim == len(shape) and shape[-1] == 1:
            array = array[..., None]
        elif array.ndim == len(shape) + 2 and array.shape[-1] == 1:
            array = array[..., 0]
        sample = array.shape[1:]
        if array.ndim != len(shape) + 1 or any(
            b is not None and a != b for a, b in zip(sample, shape, strict=True)
        ):
            raise ValueError(
                f"{where}: x has shape {np.shape(x)}; expected {checks.shape_text(shape)}, "
                "as the model was built for."
            )
        if steps is not None:
            require_steps(where, array, feature_axes)
        return array, steps

    def __call__(self, x: Any, *, lengths: Any = None, mask: Any = None) -> Array:
        """Return the outputs for one batch of samples, without training; see `predict`."""
        return np.array(self.infer(*self.prepare_input("Sequential", x, lengths, mask)))

    # -- weights -----------------------------------------------------------------------------------

    def set_weights(self, weights: list[Any]) -> None:
        """Copy new values into all weights; all are checked before the first is changed."""
        self.require_built("set_weights")
        assign_all("set_weights", list(self.parameters.values()), weights)
        if self.compiled:
            self.optimizer.forget_copy()
        self.weights_changed()

    def count_params(self) -> int:
        """Return how many numbers are trained."""
        self.require_built("count_params")
        return sum(layer.count_params() for layer in self.layers)

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print a table of the layers, their outputs and how many numbers each trains."""
        from tidegate.training.summary import table

        print_fn(table(self.name, self.layers, self.built))

    def __repr__(self) -> str:
        """Return the name, the layers and, once built, the shape of the output."""
        shape = f", output {checks.shape_text(self.output_shape)}" if self.built else ""
        kinds = ", ".join(type(layer).__name__ for layer in self.layers)
        return f"<{type(self).__name__} {self.name!r} of [{kinds}]{shape}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by description and arrays, since views would lose their buffers."""
        from tidegate.training import description

        self.require_built("copy")
        arrays = {name: array.copy() for name, array in description.arrays(self, True).items()}
        return description.make, (description.describe(self, True), arrays)

    def save(self, path: "str | os.PathLike[str]", include_optimizer: bool = True) -> None:
        """Write the model to a safetensors file; see `tidegate.io.save`."""
        from tidegate.io import save

        save(self, path, include_optimizer=include_optimizer)
