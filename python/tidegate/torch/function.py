"""One call of the engine as a node of PyTorch's graph.

Tensors and arrays share their memory in both directions. The engine's `saved` serves one backward;
another one (retain_graph), or one after the output was modified in place, runs the forward again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tidegate._arrays import FloatArray
from tidegate.functional.network import SavedNetwork, network_backward, network_forward
from tidegate.torch.eager import eager
from tidegate.torch.parameters import Parameters

State = tuple[Any, ...]


@dataclass(frozen=True)
class Packing:
    """How the rows of a PackedSequence lie in a padded batch.

    Attributes
    ----------
    lengths : (B,) int64, descending
    valid : (T, B) bool
    """

    lengths: Any
    valid: Any

    @classmethod
    def of(cls, batch_sizes: Any) -> "Packing":
        """Read it from the number of sequences at each step."""
        sizes = batch_sizes.numpy()
        valid = np.arange(sizes[0]) < sizes[:, None]
        return cls(valid.sum(axis=0), valid)

    def pad(self, rows: FloatArray) -> FloatArray:
        """Return rows (N, width) as (T, B, width); the engine does not read the rest."""
        padded = np.empty((*self.valid.shape, rows.shape[1]), rows.dtype)
        padded[self.valid] = rows
        return padded


@dataclass(frozen=True)
class Run:
    """What a call does, its tensors apart.

    Attributes
    ----------
    parameters : Parameters
    batch_first : bool
        Layout of x and y.
    packing : Packing, optional
        x and y are the rows of a PackedSequence.
    steps : bool
        x has a time axis, and y is returned; else x is one step, (B, I).
    """

    parameters: Parameters
    batch_first: bool = False
    packing: Packing | None = None
    steps: bool = True

    def rows(self, x: Any) -> int:
        """How often the call multiplies by the weights, about."""
        return int(x.numel() // max(1, x.shape[-1]))

    def forward(
        self, layers: Any, x: Any, first: Sequence[Any], *, training: bool
    ) -> tuple[list[Any], SavedNetwork | None]:
        """Return the tensors y, if there are steps, and the final states; and what is saved."""
        packing = self.packing
        array = _array(x)
        if packing is not None:
            array = packing.pad(array)
        y, finals, saved = network_forward(
            layers,
            array if self.steps else array[None],
            split(first, layers, self.steps),
            lengths=None if packing is None else packing.lengths,
            training=training,
            batch_first=self.batch_first,
            return_sequences=self.steps,
        )
        outputs = join(finals, len(layers[0]), self.steps)
        if y is not None:
            y.flags.writeable = True  # whoever modifies it is noticed by its version
            outputs.insert(0, torch.from_numpy(y if packing is None else y[packing.valid]))
        return outputs, saved

    def backward(
        self, saved: SavedNetwork, gradients: Sequence[Any], needed: Sequence[bool]
    ) -> list[Any]:
        """Return the gradients by x, the states and the tensors; None where not needed."""
        packing, parts = self.packing, len(needed) - len(self.parameters.flat) - 1
        dy = gradients[0] if self.steps else None
        dfinal = gradients[1:] if self.steps else gradients
        if dy is not None:
            dy = _array(dy)
            dy = dy if packing is None else packing.pad(dy)
        layers = self.parameters.names
        dx, dfirst, dweights = network_backward(
            saved, dy, split(dfinal, layers, self.steps), need_dx=needed[0]
        )
        result: list[Any] = [None] * (1 + parts)
        if dx is not None:
            dx = dx if packing is None else dx[packing.valid]
            result[0] = torch.from_numpy(dx if self.steps else dx[0])
        if any(needed[1 : 1 + parts]):
            result[1:] = join(dfirst, len(layers[0]), self.steps)
        arrays = (a for both in dweights for w in both for a in w.arrays().values())
        result += map(torch.from_numpy, arrays)
        return [part if wanted else None for part, wanted in zip(result, needed, strict=True)]


def _array(tensor: Any) -> FloatArray:
    """Return the memory of a tensor; a copy where a sign is only noted, as of conj().imag."""
    array: FloatArray = tensor.detach().resolve_neg().numpy()
    return array


def split(parts: Sequence[Any], layers: Any, stacked: bool) -> list[State] | None:
    """Return torch's h, or h and c, each (layers*directions, B, H), as one state per layer."""
    if not parts or all(part is None for part in parts):
        return None
    arrays = [None if part is None else _array(part) for part in parts]
    if not stacked:
        return [tuple(arrays)]
    count = len(layers[0])
    return [
        tuple(
            None if array is None else array[run]
            for run in range(k * count, (k + 1) * count)
            for array in arrays
        )
        for k in range(len(layers))
    ]


def join(states: Sequence[State], directions: int, stacked: bool) -> list[Any]:
    """Return one state per layer as torch's tensors: the inverse of `split`."""
    if not stacked:
        return [torch.from_numpy(part) for part in states[0]]
    if len(states) == directions == 1:
        return [torch.from_numpy(part[None]) for part in states[0]]
    kinds = len(states[0]) // directions
    return [
        torch.from_numpy(np.stack([part for state in states for part in state[kind::kinds]]))
        for kind in range(kinds)
    ]


class Recurrence(torch.autograd.Function):  # type: ignore[misc]
    """Run(x, *states, *tensors) -> (y, *final states), differentiable once."""

    @staticmethod
    def forward(ctx: Any, run: Run, states: int, x: Any, *tensors: Any) -> Any:
        """Run forward and keep what backward needs; `states` of the tensors are no weights."""
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, *tensors)
        ctx.run, ctx.states = run, states
        layers = run.parameters.layers(tensors[states:], run.rows(x))
        # Inside a checkpoint, or where saved tensors are offloaded, nothing else is kept.
        keeps = not saves_elsewhere()
        outputs, ctx.saved = run.forward(layers, x, tensors[:states], training=keeps)
        ctx.generation = run.parameters.generation
        # y is part of what is saved; its alias tells whether it was modified.
        ctx.output = outputs[0].detach() if run.steps and run.packing is None else None
        return tuple(outputs)

    @staticmethod
    @eager
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return the gradients by the tensors of forward."""
        x, *tensors = ctx.saved_tensors
        run, states, saved = ctx.run, ctx.states, ctx.saved
        ctx.saved = None
        unchanged = ctx.output is None or ctx.output._version == 0
        if saved is None or not unchanged or ctx.generation != run.parameters.generation:
            layers = run.parameters.fresh(tensors[states:])
            saved = run.forward(layers, x, tensors[:states], training=True)[1]
        assert saved is not None
        run.parameters.changed()  # an optimiser is likely to follow
        needed = ctx.needs_input_grad[2:]
        result = run.backward(saved, gradients, needed)
        if torch.is_grad_enabled():  # create_graph
            result = refuse_second(result, [x, *tensors, *gradients])
        return None, None, *result


def saves_elsewhere() -> bool:
    """Whether saved_tensors_hooks are in force."""
    return torch._C._autograd._top_saved_tensors_default_hooks(True) is not None


class _Second(torch.autograd.Function):  # type: ignore[misc]
    """Identity of the first tensors, whose backward says that there is none."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Any) -> Any:
        return tuple(tensor.view_as(tensor) for tensor in tensors[:count])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise RuntimeError(
            "tidegate.torch: a gradient of a gradient was asked for (create_graph=True); expected "
            "first derivatives only (torch.nn has second ones: use its layer here)."
        )


def refuse_second(result: list[Any], depends_on: list[Any]) -> list[Any]:
    """Return gradients through which no gradient goes, as parts of the graph."""
    made = [gradient for gradient in result if gradient is not None]
    linked = iter(_Second.apply(len(made), *made, *depends_on))
    return [None if gradient is None else next(linked) for gradient in result]
