"""Parameters and the flat buffers that hold them.

    values     [ lstm/weight_ih | lstm/weight_hh | lstm/bias_ih | dense/kernel | dense/bias ]
    gradients  [ the same places                                                            ]

One pair of buffers per dtype; a parameter's `value` and `grad` are views. So an optimiser step is
one pass over two flat arrays, whatever the model.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from tidegate._arrays import new_array
from tidegate.layers import checks
from tidegate.layers.types import Array, Draw, Dtype


class Parameter:
    """One trainable array of a layer.

    Attributes
    ----------
    name : str
        Unique in its layer, such as "weight_ih".
    shape : tuple of int
    dtype : dtype, float32 or float64
    value, grad : arrays of that shape and dtype
        Views of a FlatParameters; absent until it is made.
    """

    __slots__ = ("_draw", "dtype", "grad", "name", "shape", "value")

    value: Array
    grad: Array

    def __init__(self, name: str, shape: Sequence[int], dtype: Dtype, draw: Draw) -> None:
        self.name = name
        self.shape = tuple(shape)
        self.dtype = dtype
        self._draw = draw

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    def draw(self, rng: np.random.Generator) -> None:
        """Set the value to what its initializer draws."""
        value = np.asarray(self._draw(rng))
        if value.shape != self.shape or value.dtype.kind not in "biuf":
            raise ValueError(
                f"{self.name}: its initializer drew shape {value.shape} and dtype {value.dtype}; "
                f"expected floats for shape {self.shape} (recurrent layers store the transpose)."
            )
        self.assign(value)

    def assign(self, value: Array) -> None:
        """Copy an array of the same shape into the value."""
        np.copyto(self.value, value, casting="same_kind")

    def holds_value(self) -> bool:
        """Whether the arrays exist."""
        return hasattr(self, "value")


class FlatParameters:
    """The values and gradients of parameters of one dtype, one after another.

    Making one moves the parameters into it: values they hold are kept.

    Attributes
    ----------
    parameters : tuple of Parameter
    values, gradients : (n,) arrays
    bounds : list of (int, int)
        Where each parameter starts and stops.
    """

    def __init__(self, parameters: Iterable[Parameter], dtype: Dtype) -> None:
        self.parameters = tuple(parameters)
        self.dtype = dtype
        stops = list(accumulate((parameter.size for parameter in self.parameters), initial=0))
        self.bounds = list(pairwise(stops))
        self.values: Array = new_array(np.zeros, (stops[-1],), dtype)
        self.gradients: Array = new_array(np.zeros, (stops[-1],), dtype)
        for parameter, (start, stop) in zip(self.parameters, self.bounds, strict=True):
            value = self.values[start:stop].reshape(parameter.shape)
            if parameter.holds_value():
                value[...] = parameter.value
            parameter.value = value
            parameter.grad = self.gradients[start:stop].reshape(parameter.shape)


def flatten(parameters: Iterable[Parameter]) -> list[FlatParameters]:
    """Move parameters into one FlatParameters for each dtype among them."""
    by_dtype: dict[str, list[Parameter]] = {}
    for parameter in parameters:
        by_dtype.setdefault(parameter.dtype.name, []).append(parameter)
    return [FlatParameters(group, np.dtype(name)) for name, group in sorted(by_dtype.items())]


def assign_all(where: str, parameters: list[Parameter], weights: Any) -> None:
    """Copy values into parameters, after all of them were checked."""
    if not isinstance(weights, Iterable):
        kind = type(weights).__name__
        raise TypeError(f"{where}: weights is a {kind}; expected a list of arrays.")
    given = list(weights)
    if len(given) != len(parameters):
        names = ", ".join(f"{parameter.name} {parameter.shape}" for parameter in parameters)
        raise ValueError(
            f"{where}: weights has {len(given)} arrays; expected {len(parameters)}: {names}."
        )
    arrays = []
    for parameter, value in zip(parameters, given, strict=True):
        array = checks.finite(where, f"the value of {parameter.name}", value, parameter.dtype)
        if array.shape != parameter.shape:
            raise ValueError(
                f"{where}: the value of {parameter.name} has shape {array.shape}; "
                f"expected {parameter.shape}."
            )
        arrays.append(array)
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.assign(array)
