"""Stack: the layers of a model, with their names, shapes and memory; one after another."""

import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np

from tidegate.layers.base import Layer
from tidegate.layers.call import Call, chain
from tidegate.layers.embedding import Embedding
from tidegate.layers.input import Input
from tidegate.layers.inside import with_inner
from tidegate.layers.parameters import FlatParameters, Parameter, flatten
from tidegate.layers.plan import Plan
from tidegate.layers.types import Array, Dtype, Shape


class Stack:
    """Base of models; what is said of layers one after another, Model says of a graph.

    Attributes
    ----------
    layers : list of Layer
    buffers : list of FlatParameters
        One for each dtype among the parameters.
    input_shape, output_shape : tuple of int or None
        Of one sample, once declared.
    built : bool
        Whether all parameters have values.
    input_count : int
    plan : Plan
        How the layers run, once built.
    """

    name: str
    plan: Plan

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.buffers: list[FlatParameters] = []
        self.input_shape: Shape | None = None
        self.output_shape: Shape = ()
        self.built = False
        self.input_count = 1

    def append(self, where: str, layer: Any) -> None:
        """Take a layer, if it can stand on top of the others."""
        if isinstance(layer, Input):
            if self.layers or self.input_shape is not None:
                raise ValueError(f"{where}: Input comes after other layers; expected it first.")
            self.input_shape = layer.shape
            return
        if self.layers and isinstance(layer, Embedding):
            raise ValueError(f"{where}: Embedding takes integers; expected it as the first layer.")
        if getattr(layer, "takes_list", False):
            raise ValueError(
                f"{where}: {type(layer).__name__} takes several inputs; expected layers with one "
                "(tidegate.models.Model connects others)."
            )
        if isinstance(layer, Layer) and layer.extra_outputs:
            raise ValueError(
                f"{where}: layer {layer.name!r} has several outputs ({layer.extra_outputs}); "
                "expected layers with one (call the layer itself to get all)."
            )
        self.take(where, layer)

    def take(self, where: str, layer: Any) -> None:
        """Make a layer one of this model's, with a name of its own; it and all layers inside."""
        if not isinstance(layer, Layer):
            hint = " (a class needs parentheses)" if isinstance(layer, type) else ""
            raise TypeError(f"{where}: layer is {layer!r}; expected a Layer or an Input{hint}.")
        parts = with_inner(layer)
        for part in parts:
            self._require_free(where, layer, part)
        layer.name = self._unique_name(where, layer)
        for part in parts:
            part.owner = weakref.ref(self)
        self.layers.append(layer)

    def _require_free(self, where: str, layer: Layer, part: Layer) -> None:
        """Raise if a part of a layer, or the layer itself, is in a model, alone or wrapped."""
        owner = None if part.owner is None else part.owner()
        if owner is None:
            return
        for other in owner.layers:
            if all(part is not known for known in with_inner(other)):
                continue
            inside = "" if part is layer else f", inside {layer.name!r},"
            wrapped = "" if part is other else f", inside {other.name!r}"
            which = "this model" if owner is self else f"the model {owner.name!r}"
            raise ValueError(
                f"{where}: layer {part.name!r}{inside} is in {which} already{wrapped}; expected a "
                "layer of its own (copy.deepcopy makes one)."
            )

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

    def assemble(self, layers: Iterable[Layer], input_shape: Shape) -> None:
        """Take layers and fix all shapes, without memory for parameters; `allocate` comes next."""
        for layer in layers:
            self.append("Sequential", layer)
        self.declare(input_shape)

    def declare(self, input_shape: Shape) -> None:
        """Fix all shapes, without memory for parameters."""
        shape = input_shape
        for layer in self.layers:
            shape = layer.declare(shape)
        self.input_shape, self.output_shape = input_shape, shape

    def allocate(self) -> None:
        """Move all parameters into flat buffers; new ones are 0 until set."""
        self.buffers = flatten(parameter for layer in self.layers for parameter in layer.parameters)
        for layer in self.layers:
            layer.bind()
        self.plan = Plan(self.calls(), self.input_count, self.output_place)
        self.built = True

    def calls(self) -> list[Call]:
        """Return how the layers are connected; the last call makes the output."""
        return chain(self.layers)

    @property
    def output_place(self) -> int:
        """Where the output is, among the places of the calls."""
        return len(self.layers)

    def require_layers(self, where: str) -> None:
        """Raise if there are none."""
        if not self.layers:
            raise ValueError(f"{where}: the model has no layers; expected add(...) first.")

    def require_built(self, where: str) -> None:
        """Raise if the shapes of the parameters are not known yet."""
        self.require_layers(where)
        if not self.built:
            raise RuntimeError(
                f"{where}: the model is not built; expected input_shape=... in its first layer, "
                "build(input_shape), or a call of fit or predict, first."
            )

    @property
    def input_dtype(self) -> Dtype:
        """Dtype of the first layer that has parameters."""
        return next((layer.dtype for layer in self.layers if layer.parameters), np.dtype("f4"))

    @property
    def output_dtype(self) -> Dtype:
        """Dtype of the last layer that has parameters."""
        with_parameters = (layer.dtype for layer in reversed(self.layers) if layer.parameters)
        return next(with_parameters, self.input_dtype)

    def infer(self, x: Array, mask: Array | None = None) -> Array:
        """Run the layers without training, on a prepared input."""
        y: Array = self.plan.forward(x, mask=mask)[0]
        return y

    def reset_states(self) -> None:
        """Forget what stateful layers carry: the next batch starts from zeros."""
        for layer in self.layers:
            layer.reset_states()

    def weights_changed(self) -> None:
        """Tell the layers that their parameters were changed in place."""
        for layer in self.layers:
            layer.weights_changed()

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
