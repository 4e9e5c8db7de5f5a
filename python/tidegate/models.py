"""Sequential: layers one after another, with Keras's interface."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tidegate.layers import Input, checks
from tidegate.layers.base import Layer, assign_all
from tidegate.layers.embedding import Embedding
from tidegate.layers.parameters import FlatParameters, Parameter, flatten
from tidegate.layers.types import Array, Dtype, Shape
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
        self.layers: list[Layer] = []
        self.buffers: list[FlatParameters] = []
        self.built = False
        self.input_shape: Shape | None = None
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
        self._append("Sequential.add", layer)
        self._structure_changed()

    def _append(self, where: str, layer: Any) -> None:
        if isinstance(layer, Input):
            if self.layers or self.input_shape is not None:
                raise ValueError(f"{where}: Input comes after other layers; expected it first.")
            self.input_shape = layer.shape
            return
        if not isinstance(layer, Layer):
            hint = " (a class needs parentheses)" if isinstance(layer, type) else ""
            raise TypeError(f"{where}: layer is {layer!r}; expected a Layer or an Input{hint}.")
        if any(layer is other for other in self.layers):
            raise ValueError(f"{where}: layer {layer.name!r} is in the model already.")
        if self.layers and isinstance(layer, Embedding):
            raise ValueError(f"{where}: Embedding takes integers; expected it as the first layer.")
        if getattr(layer, "return_state", False):
            raise ValueError(
                f"{where}: layer {layer.name!r} has return_state=True; expected layers with one "
                "output (call the layer itself to get its states)."
            )
        layer.name = self._unique_name(where, layer)
        self.layers.append(layer)

    def pop(self) -> Layer:
        """Take the top layer off and return it."""
        if not self.layers:
            raise ValueError("Sequential.pop: the model has no layers.")
        layer = self.layers.pop()
        self._structure_changed()
        return layer

    def _unique_name(self, where: str, layer: Layer) -> str:
        taken = {other.name for other in self.layers}
        if layer.name not in taken:
            return layer.name
        if layer.has_given_name:
            raise ValueError(f"{where}: the name {layer.name!r} is used twice; expected another.")
        count = 1
        while (name := f"{layer.name}_{count}") in taken:
            count += 1
        return name

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
        self._require_layers(where)
        shape = checks.input_shape(where, input_shape)
        self.declare(shape)
        self.allocate()
        rng = None
        for number, layer in enumerate(self.layers):
            if not self._had_values[number]:
                rng = rng or self.generator(self.seed, "initial weights", 0)
                layer.draw(rng)
        self.weights_changed()

    def assemble(self, layers: Iterable[Layer], input_shape: Shape) -> None:
        """Take layers and fix all shapes, without memory for parameters; `allocate` comes next."""
        for layer in layers:
            self._append("Sequential", layer)
        self.declare(input_shape)

    def declare(self, input_shape: Shape) -> None:
        """Fix all shapes, without memory for parameters."""
        shape = input_shape
        for layer in self.layers:
            shape = layer.declare(shape)
        self.input_shape, self.output_shape = input_shape, shape

    def allocate(self) -> None:
        """Move all parameters into flat buffers; new ones are 0 until set."""
        self._had_values = [layer.built for layer in self.layers]
        self.buffers = flatten(parameter for layer in self.layers for parameter in layer.parameters)
        for layer in self.layers:
            layer.bind()
        self.built = True

    def _require_layers(self, where: str) -> None:
        if not self.layers:
            raise ValueError(f"{where}: the model has no layers; expected add(...) first.")

    def require_built(self, where: str) -> None:
        """Raise if the shapes of the parameters are not known yet."""
        self._require_layers(where)
        if not self.built:
            raise RuntimeError(
                f"{where}: the model is not built; expected input_shape=... in its first layer, "
                "build(input_shape), or a call of fit or predict, first."
            )

    # -- use ---------------------------------------------------------------------------------------

    @property
    def input_dtype(self) -> Dtype:
        """Dtype of the first layer that has parameters."""
        return next((layer.dtype for layer in self.layers if layer.parameters), np.dtype("f4"))

    @property
    def output_dtype(self) -> Dtype:  # type: ignore[override]
        """Dtype of the last layer that has parameters."""
        with_parameters = (layer.dtype for layer in reversed(self.layers) if layer.parameters)
        return next(with_parameters, self.input_dtype)

    def prepare_input(self, where: str, x: Any) -> Array:
        """Return x as the first layer takes it; build the model on first sight of data."""
        self._require_layers(where)
        first = self.layers[0]
        if not self.built:
            sample = checks.numeric(where, "x", x).shape[1:]
            self.build(self.input_shape or first.general_shape(sample))
        if not first.parameters:
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
        return array

    def infer(self, x: Array) -> Array:
        """Run the layers without training, on a prepared input."""
        for layer in self.layers:
            if layer.parameters and x.dtype.kind == "f" and x.dtype != layer.dtype:
                x = x.astype(layer.dtype)
            x = layer.forward(x)[0]
        return x

    def __call__(self, x: Any) -> Array:
        """Return the outputs for one batch of samples, without training."""
        return np.array(self.infer(self.prepare_input("Sequential", x)))

    # -- weights -----------------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name, such as "lstm/weight_ih"."""
        return {
            f"{layer.name}/{parameter.name}": parameter
            for layer in self.layers
            for parameter in layer.parameters
        }

    def named_weights(self) -> dict[str, Array]:
        """Return read-only views of the weights by name, such as "lstm/weight_ih" (4H, I)."""
        self.require_built("named_weights")
        views = {name: parameter.value[...] for name, parameter in self.parameters.items()}
        for view in views.values():
            view.flags.writeable = False
        return views

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, in the order of the layers and of their `parameters`."""
        self.require_built("get_weights")
        return [parameter.value.copy() for parameter in self.parameters.values()]

    def set_weights(self, weights: list[Any]) -> None:
        """Copy new values into all weights; all are checked before the first is changed."""
        self.require_built("set_weights")
        assign_all("set_weights", list(self.parameters.values()), weights)
        if self.compiled:
            self.optimizer.forget_copy()
        self.weights_changed()

    def weights_changed(self) -> None:
        """Tell the layers that their parameters were changed in place."""
        for layer in self.layers:
            layer.weights_changed()

    def count_params(self) -> int:
        """Return how many numbers are trained."""
        self.require_built("count_params")
        return sum(layer.count_params() for layer in self.layers)

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print a table of the layers, their outputs and how many numbers each trains."""
        from tidegate.training.summary import table

        print_fn(table(self.name, self.layers, self.built))

    def save(self, path: "str | os.PathLike[str]", include_optimizer: bool = True) -> None:
        """Write the model to a safetensors file; see `tidegate.io.save`."""
        from tidegate.io import save

        save(self, path, include_optimizer=include_optimizer)
