"""Layers as nodes: one function for each class, from its inputs to its outputs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from tidegate import layers
from tidegate.layers.base import Layer
from tidegate.onnx.exporting.activations import write_activation
from tidegate.onnx.exporting.recurrent import write_bidirectional, write_recurrent
from tidegate.onnx.exporting.writer import GraphWriter, Value

_NEAREST = {
    "Masking": "no Masking and export(..., lengths=True), which adds an input for the lengths",
    "GRUD": "missing values filled before the model, and a GRU",
    "TimeLSTM": "an LSTM with the time between steps as a feature",
    "MissingIndicator": "the array of tidegate.sequences.missing_indicator as input",
}


def write_layer(writer: GraphWriter, layer: Layer, values: Sequence[Value]) -> tuple[Value, ...]:
    """Return what a layer makes of its inputs.

    Raises
    ------
    ValueError
        ONNX has nothing like it; the message names the layer, the option and what is nearest.
    """
    kind = type(layer)
    write = WRITERS.get(kind)
    writer.where = layer.name
    try:
        if write is None:
            nearest = _NEAREST.get(kind.__name__)
            listed = ", ".join(sorted(known.__name__ for known in WRITERS))
            raise ValueError(f"it is no layer that ONNX can hold; expected {nearest or listed}")
        if layer.parameters:
            values = [v if v.dtype.kind != "f" else writer.cast(v, layer.dtype) for v in values]
        made = write(writer, layer, values)
    except ValueError as error:
        text = str(error).removeprefix("to_onnx: ").rstrip(".")
        raise ValueError(f"export: layer {layer.name!r} ({kind.__name__}): {text}.") from error
    return made if isinstance(made, tuple) else (made,)


def _dense(writer: GraphWriter, layer: layers.Dense, values: Sequence[Value]) -> Value:
    (x,) = values
    kernel = writer.parameter(layer, "kernel")
    bias = [writer.parameter(layer, "bias")] if layer.use_bias else []
    if x.rank == 2:
        y = replace(x, name=writer.node("Gemm", [x.name, kernel, *bias]), dtype=layer.dtype)
    else:
        y = replace(x, name=writer.node("MatMul", [x.name, kernel]), dtype=layer.dtype)
        y = writer.apply("Add", y, *bias) if bias else y
    return write_activation(writer, layer.activation, y)


def _embedding(writer: GraphWriter, layer: layers.Embedding, values: Sequence[Value]) -> Value:
    if layer.mask_zero:
        raise ValueError(
            "mask_zero is True; expected False (export(..., lengths=True) adds an input for the "
            "lengths)"
        )
    (x,) = values
    name = writer.node("Gather", [writer.parameter(layer, "embeddings"), x.name], axis=0)
    return replace(x, name=name, rank=x.rank + 1, dtype=layer.dtype)


def _nothing(writer: GraphWriter, layer: Layer, values: Sequence[Value]) -> Value:
    return values[0]


def _residual(writer: GraphWriter, layer: layers.Residual, values: Sequence[Value]) -> Value:
    (y,) = write_layer(writer, layer.layer, values)
    writer.where = layer.name
    return _added(writer, [values[0], y])


def _masked_as(values: Sequence[Value]) -> str:
    """Return which steps of joined values count: those that count in any of them."""
    found = {value.masked for value in values}
    if len(found) > 1 and "" not in found:
        raise ValueError("its inputs have padding at different ends; expected one direction")
    return "" if len(found) > 1 else found.pop()


def _joined(writer: GraphWriter, values: Sequence[Value]) -> list[Value]:
    """Return values of one dtype, the widest."""
    dtype = np.result_type(*(value.dtype for value in values))
    return [writer.cast(value, dtype) for value in values]


def _added(writer: GraphWriter, values: Sequence[Value], op: str = "Add") -> Value:
    cast = _joined(writer, values)
    name = reduce(lambda a, b: writer.node(op, [a, b]), [value.name for value in cast])
    return replace(cast[0], name=name, masked=_masked_as(values))


def _add(writer: GraphWriter, layer: layers.Add, values: Sequence[Value]) -> Value:
    return _added(writer, values)


def _average(writer: GraphWriter, layer: layers.Average, values: Sequence[Value]) -> Value:
    y = _added(writer, values)
    return writer.apply("Mul", y, writer.constant(1 / len(values), y.dtype))


def _multiply(writer: GraphWriter, layer: layers.Multiply, values: Sequence[Value]) -> Value:
    return _added(writer, values, "Mul")


def _concatenate(writer: GraphWriter, layer: layers.Concatenate, values: Sequence[Value]) -> Value:
    cast = _joined(writer, values)
    axis = layer.axis % cast[0].rank
    if axis == 1 and cast[0].rank > 2 and any(value.masked for value in values):
        raise ValueError("axis is 1 and there are lengths; expected to join features")
    name = writer.node("Concat", [value.name for value in cast], axis=axis)
    return replace(cast[0], name=name, masked=_masked_as(values))


def _require_all_steps(values: Sequence[Value]) -> None:
    if any(value.masked for value in values):
        raise ValueError("there are lengths; expected attention over whole sequences only")


def _attention(writer: GraphWriter, layer: layers.Attention, values: Sequence[Value]) -> Value:
    _require_all_steps(values)
    query, value, key = (*_joined(writer, values), _joined(writer, values)[1])[:3]
    turned = writer.node("Transpose", [key.name], perm=[0, 2, 1])
    scores = writer.node("MatMul", [query.name, turned])
    if layer.score_mode == "scaled_dot":
        shapes: Any = layer.input_shape
        factor = writer.constant(1 / np.sqrt(shapes[0][-1]), query.dtype)
        scores = writer.node("Mul", [scores, factor])
    if layer.use_scale:
        scores = writer.node("Mul", [scores, writer.parameter(layer, "scale")])
    return _weighted(writer, scores, value)


def _additive(
    writer: GraphWriter, layer: layers.AdditiveAttention, values: Sequence[Value]
) -> Value:
    _require_all_steps(values)
    query, value, key = (*_joined(writer, values), _joined(writer, values)[1])[:3]
    rows = writer.node("Unsqueeze", [query.name, writer.constant([2])])
    columns = writer.node("Unsqueeze", [key.name, writer.constant([1])])
    e = writer.node("Tanh", [writer.node("Add", [rows, columns])])
    if layer.use_scale:
        e = writer.node("Mul", [e, writer.parameter(layer, "scale")])
    scores = writer.node("ReduceSum", [e, writer.constant([3])], keepdims=0)
    return _weighted(writer, scores, value)


def _weighted(writer: GraphWriter, scores: str, value: Value) -> Value:
    weights = writer.node("Softmax", [scores], axis=-1)
    return replace(value, name=writer.node("MatMul", [weights, value.name]))


def _pooling(writer: GraphWriter, layer: layers.AttentionPooling, values: Sequence[Value]) -> Value:
    _require_all_steps(values)
    (x,) = values
    u = writer.node("MatMul", [x.name, writer.parameter(layer, "kernel")])
    u = writer.node("Tanh", [writer.node("Add", [u, writer.parameter(layer, "bias")])])
    u = writer.node("Mul", [u, writer.parameter(layer, "query")])
    scores = writer.node("ReduceSum", [u, writer.constant([2])], keepdims=0)
    weights = writer.node("Softmax", [scores], axis=-1)
    rows = writer.node("Unsqueeze", [weights, writer.constant([1])])
    y = writer.node("MatMul", [rows, x.name])
    return Value(writer.node("Squeeze", [y, writer.constant([1])]), 2, layer.dtype)


def _both_ways(writer: GraphWriter, layer: layers.Bidirectional, values: Sequence[Value]) -> Value:
    return write_bidirectional(writer, layer, values[0])


# A subclass may compute something else: only these very classes are written.
WRITERS: dict[type[Layer], Callable[..., Any]] = {
    layers.LSTM: write_recurrent,
    layers.GRU: write_recurrent,
    layers.SimpleRNN: write_recurrent,
    layers.Bidirectional: _both_ways,
    layers.Dense: _dense,
    layers.Dropout: _nothing,
    layers.Embedding: _embedding,
    layers.Residual: _residual,
    layers.Add: _add,
    layers.Average: _average,
    layers.Multiply: _multiply,
    layers.Concatenate: _concatenate,
    layers.Attention: _attention,
    layers.AdditiveAttention: _additive,
    layers.AttentionPooling: _pooling,
}
