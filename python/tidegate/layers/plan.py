"""Plan: how a model runs, forward and backward. There is no other loop over layers.

Forward walks the calls down, backward walks them up. Where several calls read one place, its
gradients add up; a layer that is called more than once gets the sum of the gradients of its calls.
An array is forgotten as soon as the last call that reads it has run.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tidegate.layers.call import Call
from tidegate.layers.recurrent_run import join_recurrent
from tidegate.layers.several import Several
from tidegate.layers.types import Array


class Plan:
    """The calls of a built model; consecutive recurrent layers are one.

    Parameters
    ----------
    calls : list of Call
        In an order in which they can run.
    inputs : int
        How many inputs there are.
    output : int
        The place of the output.

    Attributes
    ----------
    learns : bool
        Whether a gradient by the output is of use to any parameter.
    """

    def __init__(self, calls: Sequence[Call], inputs: int, output: int) -> None:
        self.calls = join_recurrent(calls, output)
        self._inputs, self._output = inputs, output
        self._places = 1 + max([inputs - 1, *(call.targets[-1] for call in self.calls)])
        last_reader = {place: k for k, call in enumerate(self.calls) for place in call.sources}
        last_reader.pop(output, None)
        forgotten: list[list[int]] = [[] for _ in self.calls]
        for place, k in last_reader.items():
            forgotten[k].append(place)
        self._forward = [
            (call.layer, _alone(call.sources), _alone(call.targets), tuple(gone))
            for call, gone in zip(self.calls, forgotten, strict=True)
        ]
        learning: set[int] = set()  # places whose gradient is of use
        uses = Counter(id(call.layer) for call in self.calls if call.layer.parameters)
        self._backward = []
        for k, (layer, source, target, _) in enumerate(self._forward):
            need_dx = not learning.isdisjoint(self.calls[k].sources)
            if need_dx or layer.parameters:
                learning.update(self.calls[k].targets)
                self._backward.append((k, layer, source, target, need_dx, uses[id(layer)] > 1))
        self._backward.reverse()
        self.learns = output in learning

    # -- forward -----------------------------------------------------------------------------------

    def forward(
        self,
        x: Array | Several,
        *,
        rng: np.random.Generator | None = None,
        mask: Any = None,
        tape: list[Any] | None = None,
    ) -> tuple[Any, Any]:
        """Run the calls; return the output and its mask.

        Parameters
        ----------
        x : prepared input, or Several
        rng : Generator, when training
        mask : (B, T) array of bool, or Several; None where every step counts
        tape : empty list
            Given when training: it gets what `backward` needs.
        """
        training = tape is not None
        values: list[Any] = [None] * self._places
        masks: list[Any] = [None] * self._places
        values[: self._inputs] = x.arrays if isinstance(x, Several) else [x]
        if mask is not None:
            masks[: self._inputs] = mask.arrays if isinstance(mask, Several) else [mask]
        for layer, source, target, forgotten in self._forward:
            if type(source) is int:
                h, mask = values[source], masks[source]
                if h.dtype is not layer.dtype:
                    h = cast_to(layer, h)
            else:
                h, mask = [cast_to(layer, values[k]) for k in source], _known(masks, source)
            if mask is None:
                y, saved = layer.forward(h, training=training, rng=rng)
            else:
                y, saved = layer.forward(h, training=training, rng=rng, mask=mask)
            if mask is not None or layer.makes_mask:
                mask = layer.output_mask(h, mask)
            if type(target) is int:
                values[target], masks[target] = y, mask
            else:  # an output, which may have a mask, and states
                values[target[0] : target[-1] + 1], masks[target[0]] = y, mask
            for place in forgotten:
                values[place] = None
            if tape is not None:
                tape.append(saved)
        return values[self._output], masks[self._output]

    # -- backward ----------------------------------------------------------------------------------

    def backward(self, tape: list[Any], dy: Any) -> None:
        """Write the gradients of all parameters; dy, the gradient by the output, stays as it is."""
        gradients: list[Any] = [None] * self._places
        gradients[self._output] = dy
        written: set[int] = set()  # shared layers that have gradients of this pass
        for k, layer, source, target, need_dx, shared in self._backward:
            saved, tape[k] = tape[k], None
            if type(target) is int:
                dy, gradients[target] = gradients[target], None
                if dy is not None and dy.dtype is not layer.dtype:
                    dy = cast_to(layer, dy)
            else:
                dy = _known(gradients, target)
            if shared and id(layer) in written:
                dx = _add_backward(layer, saved, dy, need_dx)
            elif dy is None:  # nothing that the loss depends on
                dx = None
                for parameter in layer.parameters:
                    parameter.grad.fill(0)
            else:
                dx = layer.backward(saved, dy, need_dx=need_dx)
            if shared:
                written.add(id(layer))
            if dx is None:
                continue
            if type(source) is int:
                before = gradients[source]
                gradients[source] = dx if before is None else before + dx
            else:
                _spread(gradients, source, dx)


def cast_to(layer: Any, array: Array) -> Array:
    """Return a floating array in the dtype of a layer that has parameters."""
    if array.dtype == layer.dtype or not layer.parameters or array.dtype.kind != "f":
        return array
    return array.astype(layer.dtype)


def _alone(places: tuple[int, ...]) -> Any:
    return places[0] if len(places) == 1 else places


def _known(arrays: list[Any], places: tuple[int, ...]) -> list[Any] | None:
    """Return the arrays at some places, or None if there is none."""
    found = [arrays[place] for place in places]
    return None if all(array is None for array in found) else found


def _add_backward(layer: Any, saved: Any, dy: Any, need_dx: bool) -> Any:
    """Run a layer backward, and add its gradients to those that it has."""
    if dy is None:
        return None
    before = [parameter.grad.copy() for parameter in layer.parameters]
    dx = layer.backward(saved, dy, need_dx=need_dx)
    for parameter, gradient in zip(layer.parameters, before, strict=True):
        parameter.grad += gradient
    return dx


def _spread(gradients: list[Any], places: tuple[int, ...], dx: Any) -> None:
    """Add the gradients that a call with several inputs returned to those of their places."""
    for place, part in zip(places, dx, strict=True):
        if part is not None:
            before = gradients[place]
            gradients[place] = part if before is None else before + part
