"""BaseModel: what Sequential and Model have in common beside training."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.parameters import assign_all
from tidegate.layers.tensor import is_symbolic
from tidegate.layers.types import Array, Shape
from tidegate.training.random_streams import RandomStreams
from tidegate.training.trainer import Trainer


class BaseModel(Trainer):
    """Base of the models.

    Parameters
    ----------
    name : str
    seed : int or None
    """

    def __init__(self, name: str, seed: int | None) -> None:
        super().__init__(seed)
        if not isinstance(name, str):
            raise TypeError(f"{type(self).__name__}: name is {name!r}; expected a string.")
        self.name = name

    def initialise(self) -> None:
        """Give the parameters memory and first values; layers that have values keep them."""
        had_values = [layer.built for layer in self.layers]
        self.allocate()
        streams = RandomStreams(self.seed, "initial weights")
        for number, layer in enumerate(self.layers):
            if not had_values[number]:
                layer.draw(streams.at(number))
        self.weights_changed()

    def __call__(self, x: Any, *, lengths: Any = None, mask: Any = None) -> Array:
        """Return the outputs for one batch of samples, without training; see `predict`."""
        where = type(self).__name__
        if is_symbolic(x):
            raise TypeError(f"{where}: x is a tensor; expected arrays (a model is no layer).")
        return np.array(self.infer(*self.prepare_input(where, x, lengths, mask)))

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

        print_fn(table(self.name, self.summary_rows(), self.layers, self.built))

    def summary_rows(self) -> list[tuple[Any, ...]]:
        """Return (name and type, shape, layer or None) of each row of the summary."""
        return [
            (f"{layer.name} ({type(layer).__name__})", layer.output_shape, layer)
            for layer in self.layers
        ]

    def __repr__(self) -> str:
        """Return the name, the layers and, once built, the shape of the output."""
        shape = f", output {checks.shape_text(self.output_shape)}" if self.built else ""
        kinds = ", ".join(type(layer).__name__ for layer in self.layers)
        return f"<{type(self).__name__} {self.name!r} of [{kinds}]{shape}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by description and arrays, since views would lose their buffers."""
        from tidegate.models import description

        self.require_built("copy")
        arrays = {name: array.copy() for name, array in description.arrays(self, True).items()}
        return description.make, (description.describe(self, True), arrays)

    def save(self, path: "str | os.PathLike[str]", include_optimizer: bool = True) -> None:
        """Write the model to a safetensors file; see `tidegate.io.save`."""
        from tidegate.io import save

        save(self, path, include_optimizer=include_optimizer)


def decides_input(layer: Layer) -> bool:
    """Whether a layer decides what the input of a model may be, if none before it does."""
    return bool(layer.parameters) or layer.takes_missing


def as_samples(where: str, name: str, array: Array, shape: Shape) -> Array:
    """Return an array in the shape (N, *shape); raise if it has another one.

    As Keras does: a feature axis of size 1 may be missing or one too many.
    """
    given = array.shape
    if array.ndim == len(shape) and shape[-1] == 1:
        array = array[..., None]
    elif array.ndim == len(shape) + 2 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != len(shape) + 1 or any(
        b is not None and a != b for a, b in zip(array.shape[1:], shape, strict=True)
    ):
        raise ValueError(
            f"{where}: {name} has shape {given}; expected {checks.shape_text(shape)}, "
            "as the model was built for."
        )
    return array
