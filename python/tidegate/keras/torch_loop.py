"""The time loop as an operation of PyTorch's autograd."""

from collections.abc import Sequence
from typing import Any

import torch

from tidegate.keras.errors import second_derivative
from tidegate.keras.loop import Loop, Saved, backward, forward


def run(loop: Loop, arrays: Sequence[Any], training: bool) -> list[Any]:
    """Return y and the states; what the gradients need is kept where autograd records."""
    keep = torch.is_grad_enabled() and any(array.requires_grad for array in arrays)
    # Keras assigns the state of a stateful layer in place, before the gradients are computed.
    x, *others = arrays
    state = [part.clone() for part in others[: loop.states]]
    return list(_Operation.apply(loop, keep, x, *state, *others[loop.states :]))


class _Operation(torch.autograd.Function):  # type: ignore[misc]
    """One call of the engine; `saved` of the context lives as long as autograd's graph."""

    @staticmethod
    def forward(ctx: Any, loop: Loop, keep: bool, *arrays: Any) -> Any:
        outputs, ctx.saved = forward(loop, _numpy(arrays), keep)
        ctx.loop = loop
        ctx.save_for_backward(*arrays)
        return _tensors(outputs, arrays[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        arrays = ctx.saved_tensors  # raises if one was modified in place since
        saved, ctx.saved = ctx.saved, None  # it serves once; a second backward computes it again
        need_dx = ctx.needs_input_grad[2]  # a first layer spares that product
        found = list(_Gradients.apply(ctx.loop, saved, need_dx, len(arrays), *arrays, *gradients))
        if not need_dx:
            found.insert(0, None)
        return (None, None, *found, *[None] * (len(arrays) - len(found)))


class _Gradients(torch.autograd.Function):  # type: ignore[misc]
    """The gradients as an operation of their own, which refuses to be derived."""

    @staticmethod
    def forward(
        _: Any, loop: Loop, saved: Saved | None, need_dx: bool, given: int, *tensors: Any
    ) -> Any:
        values = _numpy(tensors)
        found = backward(loop, values[:given], saved, values[given:], need_dx)
        return _tensors(found, tensors[0])

    @staticmethod
    def backward(_: Any, *__: Any) -> Any:
        raise second_derivative()


def _numpy(tensors: Sequence[Any]) -> list[Any]:
    return [tensor.detach().cpu().numpy() for tensor in tensors]


def _tensors(arrays: Sequence[Any], like: Any) -> Any:
    return tuple(torch.from_numpy(array).to(like.device) for array in arrays)
