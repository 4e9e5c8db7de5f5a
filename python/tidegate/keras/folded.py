"""Activation layers of Keras that become the activation of the Dense layer below them."""

from collections import Counter
from typing import Any

from tidegate.activation import Activation
from tidegate.keras.layer_from_keras import (
    activation_from_keras,
    kind_of,
    place_of,
    refuse,
    require_ordinary,
)

KINDS = ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax")


def pairs(layers: list[Any]) -> list[tuple[Any, Any]]:
    """Return each layer of a chain with the activation layer that it takes in, or None."""
    found: list[tuple[Any, Any]] = []
    for layer in layers:
        if found and found[-1][1] is None and folds(found[-1][0], layer):
            found[-1] = (found[-1][0], layer)
        else:
            found.append((layer, None))
    return found


def by_output(calls: list[tuple[Any, list[Any]]], outputs: list[Any]) -> dict[int, Any]:
    """Return the activation layers of a graph that fold, by id of the tensor that each reads.

    `calls` are the nodes of the graph with the tensors that they read.
    """
    readers = Counter(id(x) for _, sources in calls for x in sources)
    readers.update(id(x) for x in outputs)
    makers = {id(x): node.operation for node, _ in calls for x in node.outputs}
    return {
        id(sources[0]): node.operation
        for node, sources in calls
        if readers[id(sources[0])] == 1
        and id(sources[0]) in makers
        and folds(makers[id(sources[0])], node.operation)
    }


def folds(below: Any, layer: Any) -> bool:
    """Tell whether a layer is an activation and the one below it a Dense without one."""
    import keras

    if isinstance(layer, keras.Model) or kind_of(layer) not in KINDS:
        return False
    dense = getattr(below, "layer", below) if kind_of(below) == "TimeDistributed" else below
    return kind_of(dense) == "Dense" and dense.activation is keras.activations.linear


def native_activation(layer: Any, below: Any) -> str | Activation:
    """Return our activation for an activation layer above a Dense, or raise."""
    require_ordinary(layer)
    if layer.compute_dtype != below.compute_dtype:
        raise refuse(layer, "dtype", layer.compute_dtype, f"that below it, {below.compute_dtype!r}")
    kind = kind_of(layer)
    if kind == "Activation":
        return activation_from_keras(layer, "activation", softmax=True)
    if kind == "ELU":
        return Activation("elu", alpha=float(layer.alpha))
    if kind == "Softmax":
        return _softmax(layer)
    if kind == "ReLU":
        if layer.max_value is not None:
            raise refuse(layer, "max_value", layer.max_value, "None")
        if layer.threshold:
            raise refuse(layer, "threshold", layer.threshold, "0.0")
    slope = float(layer.negative_slope)
    return Activation("leaky_relu", alpha=slope) if slope else "relu"


def _softmax(layer: Any) -> str:
    axis = layer.axis if isinstance(layer.axis, int) else tuple(layer.axis)
    if axis not in (-1, (-1,)):
        raise refuse(layer, "axis", layer.axis, "-1")
    read = (x for node in layer._inbound_nodes for x in node.input_tensors)
    if any(getattr(x, "_keras_mask", None) is not None for x in read):
        raise ValueError(
            f"{place_of(layer)}: its input is masked; expected steps that all count (Keras takes "
            'the mask of the steps for one of the features; activation="softmax" of the Dense '
            "layer below it does not)."
        )
    return "softmax"
