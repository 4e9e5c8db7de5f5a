"""The time loop as an operation of JAX: a callback, which jit takes and vmap runs one by one.

What the forward pass computed is computed again for the gradients: nothing tells a callback when a
result is dropped, so what it kept could not be freed.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from tidegate.keras.errors import second_derivative
from tidegate.keras.loop import Loop, backward, forward


def run(loop: Loop, arrays: Sequence[Any], training: bool) -> list[Any]:
    """Return y and the states."""
    return list(_operation(loop, tuple(arrays)))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _operation(loop: Loop, arrays: tuple[Any, ...]) -> Any:
    def compute(*values: Any) -> list[Any]:
        return forward(loop, [np.asarray(value) for value in values], keep=False)[0]

    shapes = loop.output_shapes(arrays[0].shape, arrays[1].shape)
    specs = [jax.ShapeDtypeStruct(shape, arrays[0].dtype) for shape in shapes]
    return jax.pure_callback(compute, specs, *arrays, vmap_method="sequential")


def _operation_forward(loop: Loop, arrays: tuple[Any, ...]) -> Any:
    return _operation(loop, arrays), arrays


def _operation_backward(loop: Loop, arrays: tuple[Any, ...], gradients: Any) -> Any:
    found = _gradients(loop, arrays, tuple(gradients))
    return ((*found, *[None] * (len(arrays) - len(found))),)


_operation.defvjp(_operation_forward, _operation_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _gradients(loop: Loop, arrays: tuple[Any, ...], gradients: tuple[Any, ...]) -> Any:
    def compute(*values: Any) -> list[Any]:
        values = tuple(np.asarray(value) for value in values)
        return backward(loop, values[: len(arrays)], None, values[len(arrays) :])

    wanted = arrays[: loop.differentiable]
    specs = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in wanted]
    return jax.pure_callback(compute, specs, *arrays, *gradients, vmap_method="sequential")


def _refused(*_: Any) -> Any:
    raise second_derivative()


_gradients.defvjp(_refused, _refused)
