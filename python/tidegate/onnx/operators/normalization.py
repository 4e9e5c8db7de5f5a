"""LayerNormalization, and BatchNormalization at inference.

y = (x - mean) / sqrt(variance + epsilon) * scale + bias
"""

from typing import Any

import numpy as np

from tidegate.layers.types import Array, Shape
from tidegate.onnx.operators.node import Node, Operator, axis_of, floating, same_dtype

EPSILON = 1e-5


def _layer_normalization(node: Node, x: Array, scale: Array, bias: Array | None = None) -> Any:
    """Return y, and the mean and 1 / deviation that it was normalised with."""
    same_dtype(floating(x), scale, *(() if bias is None else (bias,)))
    if node.get("stash_type", 1) != 1:
        raise ValueError(f"its stash_type is {node.get('stash_type')}; expected 1")
    axes = tuple(range(axis_of(node.get("axis", -1), x.ndim), x.ndim))
    for name, array in (("scale", scale), ("bias", bias)):
        if array is not None and not _stretches(array.shape, x.shape):
            raise ValueError(f"its {name} has shape {array.shape}; expected {x.shape[axes[0] :]}")
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    inverse = 1 / np.sqrt(variance + x.dtype.type(node.get("epsilon", EPSILON)))
    y = centred * inverse * scale
    if bias is not None:
        y += bias
    # The standard keeps these two in float32 (stash_type 1), whatever x is.
    return y, mean.astype(np.float32), inverse.astype(np.float32)


def _stretches(shape: Shape, to: Shape) -> bool:
    """Whether an array of this shape can be repeated to the other shape."""
    pairs = zip(shape[::-1], to[::-1], strict=False)
    return len(shape) <= len(to) and all(n in (1, size) for n, size in pairs)


def _batch_normalization(
    node: Node, x: Array, scale: Array, bias: Array, mean: Array, variance: Array
) -> Array:
    """Return y, with the stored mean and variance of each channel, axis 1."""
    same_dtype(floating(x), scale, bias, mean, variance)
    if node.get("training_mode", 0) or any(node.outputs[1:]):
        raise ValueError("it is in training mode; expected a model exported for inference")
    if node.get("spatial", 1) != 1:
        raise ValueError("its spatial is 0; expected 1, one mean for each channel")
    channels = x.shape[1] if x.ndim > 1 else 1
    for name, array in (("scale", scale), ("B", bias), ("mean", mean), ("var", variance)):
        if array.shape != (channels,):
            raise ValueError(f"its {name} has shape {array.shape}; expected ({channels},)")
    factor = scale / np.sqrt(variance + x.dtype.type(node.get("epsilon", EPSILON)))
    across = (-1, *[1] * (x.ndim - 2)) if x.ndim > 1 else (-1,)
    y: Array = (x - mean.reshape(across)) * factor.reshape(across) + bias.reshape(across)
    return y


_BATCH = {"epsilon": "float", "momentum": "float", "training_mode": "int", "spatial": "int"}
OPERATORS: dict[str, Operator] = {
    "LayerNormalization": Operator(
        _layer_normalization,
        (2, 3),
        3,
        {"axis": "int", "epsilon": "float", "stash_type": "int"},
    ),
    "BatchNormalization": Operator(_batch_normalization, (5, 5), 5, _BATCH),
}
