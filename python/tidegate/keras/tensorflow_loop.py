"""The time loop as an operation of TensorFlow, eager and in graphs; not in XLA."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.eager.record import should_record_backprop

from tidegate.keras.errors import second_derivative
from tidegate.keras.kept import Kept
from tidegate.keras.loop import Loop, backward, forward

KEPT = Kept()


def run(loop: Loop, arrays: Sequence[Any], training: bool) -> list[Any]:
    """Return y and the states; with training, what the gradients need is kept."""
    eager = tf.executing_eagerly()
    need_dx = _may_need_dx(arrays)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def operation(*arrays: Any) -> Any:
        outputs, kept = (_eager if eager else _graph)(loop, arrays, training)

        def gradient(*gradients: Any) -> Any:
            found = _gradients(loop, kept, arrays, gradients, need_dx)
            return [*[None] * (not need_dx), *found, *[None] * (len(arrays) - loop.differentiable)]

        return outputs, gradient

    return list(operation(*arrays))


def _eager(loop: Loop, arrays: Sequence[Any], training: bool) -> tuple[list[Any], Any]:
    """Run at once; what is kept lives as long as the tape."""
    outputs, saved = forward(loop, [array.numpy() for array in arrays], training)
    ticket = None if saved is None else KEPT.put(saved)
    return [tf.convert_to_tensor(output) for output in outputs], ticket


def _graph(loop: Loop, arrays: Sequence[Any], training: bool) -> tuple[list[Any], Any]:
    """Run when the graph runs; what is kept lives as long as the tensor of its number."""
    dtype = arrays[0].dtype

    def compute(*values: Any) -> list[Any]:
        outputs, saved = forward(loop, values, training)
        return outputs if saved is None else [*outputs, KEPT.put(saved)]

    types = [dtype] * (1 + loop.states) + [tf.int64] * training
    outputs = tf.numpy_function(compute, arrays, types)
    ticket = outputs.pop() if training else None
    shapes = loop.output_shapes(arrays[0].shape, arrays[1].shape)
    for output, shape in zip(outputs, shapes, strict=True):
        output.set_shape(shape)
    return outputs, ticket


def _may_need_dx(arrays: Sequence[Any]) -> bool:
    """Tell whether a gradient by x can be asked for: not if a tape sees the weights and not x.

    A first layer spares that product. Without a tape anything may come, as tf.gradients.
    """
    return should_record_backprop(arrays[:1]) or not should_record_backprop(arrays)


def _gradients(
    loop: Loop, ticket: Any, arrays: Sequence[Any], gradients: Sequence[Any], need_dx: bool
) -> list[Any]:
    """Return the gradients by what has some; itself an operation, which refuses to be derived."""
    wanted = arrays[0 if need_dx else 1 : loop.differentiable]
    carried = [] if ticket is None else [ticket]

    def compute(*values: Any) -> list[Any]:
        kept = KEPT.take(values[-1]) if carried else None
        ends = len(arrays), len(arrays) + len(gradients)
        given = values[ends[0] : ends[1]]
        return backward(loop, values[: ends[0]], kept, given, need_dx)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def operation(*inputs: Any) -> Any:
        def refused(*_: Any) -> Any:
            raise second_derivative()

        if tf.executing_eagerly():
            found = compute(*[value.numpy() for value in inputs], *carried)
            return [tf.convert_to_tensor(gradient) for gradient in found], refused
        found = tf.numpy_function(compute, [*inputs, *carried], [array.dtype for array in wanted])
        for gradient, array in zip(found, wanted, strict=True):
            gradient.set_shape(array.shape)
        return found, refused

    return list(operation(*arrays, *[tf.convert_to_tensor(value) for value in gradients]))
