"""export: a model to an ONNX file."""

import os
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from tidegate._arrays import check_flag
from tidegate._extras import require
from tidegate._files import path_text, write_whole
from tidegate._version import __version__
from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.embedding import Embedding
from tidegate.models import graph
from tidegate.models.base import BaseModel
from tidegate.onnx.exporting.layers import write_layer
from tidegate.onnx.exporting.writer import LENGTHS, GraphWriter, Value

OPSETS = (14, 22)  # the first and last version of the operators that are written
MOST_BYTES = 2**31 - 2**20  # protobuf holds no more


def export(
    model: Any, path: "str | os.PathLike[str]", *, opset: int = 22, lengths: bool = False
) -> None:
    """Write a model as an ONNX file, whole or not at all.

    Parameters
    ----------
    model : Sequential or Model
        Built. Inference is written: Dropout and noise in training leave no trace.
    path : str or path
    opset : int
        Version of the operators, 14 to 22.
    lengths : bool
        Add an input "lengths" (batch,) int32, the valid steps of each sequence, as `lengths=` of
        `predict`. For models with one input.

    Raises
    ------
    ImportError
        The package onnx is missing; the message says how to install it.
    ValueError
        ONNX cannot hold a layer or one of its options; the message names both and what is nearest.
    OSError
        The file cannot be written; an old one is unharmed.
    RuntimeError
        The model is not built.

    Warns
    -----
    UserWarning
        A recurrent layer is float64: the file is right, but ONNX Runtime runs float32 ones only.

    Notes
    -----
    Batch and steps are dynamic. Which layer becomes which operator: docs/onnx.md. The file passes
    `onnx.checker` before it is written.

    Examples
    --------
    >>> export(model, "m.onnx")                                                  # doctest: +SKIP
    """
    where = "export"
    onnx = require("onnx", extra="onnx", purpose=where)
    if not isinstance(model, BaseModel):
        kind = type(model).__name__
        raise TypeError(
            f"{where}: model is {kind}; expected a Sequential or Model of tidegate "
            "(tidegate.torch.from_torch and tidegate.keras.from_keras make one)."
        )
    version = checks.integer(where, "opset", opset)
    if not OPSETS[0] <= version <= OPSETS[1]:
        raise ValueError(f"{where}: opset is {version}; expected {OPSETS[0]} to {OPSETS[1]}.")
    target = path_text(where, path)
    model.require_built(where)
    proto = _model_proto(onnx, model, version, check_flag(where, "lengths", lengths))
    if proto.ByteSize() > MOST_BYTES:
        raise ValueError(
            f"{where}: the model has {proto.ByteSize()} bytes; expected {MOST_BYTES} at most, "
            "which is what an ONNX file can hold."
        )
    onnx.checker.check_model(proto, full_check=True)
    write_whole(target, proto.SerializeToString(), "the ONNX model", where)


def _model_proto(onnx: Any, model: BaseModel, opset: int, lengths: bool) -> Any:
    writer = GraphWriter()
    values, inputs = _inputs(writer, model, lengths)
    for layer, sources, targets in model.calls():
        made = write_layer(writer, layer, [values[source] for source in sources])
        values |= dict(zip(targets, made, strict=True))
    output = values[model.output_place]
    writer.nodes.append(writer.helper.make_node("Identity", [output.name], ["output"]))
    sizes = ["batch", *(None for _ in range(output.rank - 2)), model.output_shape[-1]]
    info = writer.helper.make_tensor_value_info("output", writer.type_of(output.dtype), sizes)
    written = writer.helper.make_graph(
        writer.nodes, model.name, inputs, [info], writer.initializers
    )
    opsets = [writer.helper.make_opsetid("", opset)]
    _warn_of_float64(model)
    return writer.helper.make_model(
        written,
        opset_imports=opsets,
        ir_version=writer.helper.find_min_ir_version_for(opsets),
        producer_name="tidegate",
        producer_version=__version__,
    )


def _inputs(
    writer: GraphWriter, model: BaseModel, lengths: bool
) -> tuple[dict[int, Value], list[Any]]:
    """Return the inputs by place, and what the file says of them."""
    count = model.input_count
    names = getattr(model, "input_names", ["input"])
    if lengths and (count > 1 or LENGTHS in names):
        raise ValueError(
            f"export: lengths is True and the inputs are {', '.join(names)}; expected one input, "
            'of another name than "lengths".'
        )
    shapes: Any = model.input_shape if count > 1 else (model.input_shape,)
    values: dict[int, Value] = {}
    infos = []
    for place, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        readers = graph.feeding(model.calls(), place)
        dtype, general = _entry_of(readers, shape)
        sizes = ["batch", *(_axis_name(names, name, k, n) for k, n in enumerate(general))]
        infos.append(writer.helper.make_tensor_value_info(name, writer.type_of(dtype), sizes))
        values[place] = Value(name, len(sizes), dtype)
    if lengths:
        values[0] = _without_padding(writer, values[0], readers[0])
        infos.append(
            writer.helper.make_tensor_value_info(LENGTHS, writer.type_of(np.int32), ["batch"])
        )
    return values, infos


def _entry_of(readers: list[Layer], shape: Any) -> tuple[Any, Any]:
    """Return dtype and shape of an input, None for axes of any size."""
    if any(isinstance(layer, Embedding) for layer in readers):
        return np.dtype(np.int64), readers[0].general_shape(shape)
    dtypes = [layer.dtype for layer in readers]
    return max(dtypes, key=lambda dtype: dtype.itemsize), (*(None for _ in shape[:-1]), shape[-1])


def _axis_name(names: list[str], name: str, axis: int, size: int | None) -> int | str:
    if size is not None:
        return size
    word = "time" if axis == 0 else f"axis_{axis + 1}"
    return word if len(names) == 1 else f"{name}_{word}"


def _without_padding(writer: GraphWriter, x: Value, reader: Layer) -> Value:
    """Return the input with 0 after each sequence's end, where anything may stand."""
    if x.rank < 2 + reader.feature_axes:
        raise ValueError("export: lengths is True and the input has no steps; expected sequences.")
    writer.where = LENGTHS
    steps = writer.valid_steps(x)
    if x.rank > 2:
        steps = writer.node("Unsqueeze", [steps, writer.constant(list(range(2, x.rank)))])
    name = writer.node("Where", [steps, x.name, writer.constant(0, x.dtype)])
    return replace(x, name=name, masked="lengths")


def _warn_of_float64(model: BaseModel) -> None:
    for layer in model.layers:
        if layer.recurrent_parts() and layer.dtype == np.float64:
            warnings.warn(
                f"export: layer {layer.name!r} is float64, which ONNX Runtime does not run; "
                'a model with dtype="float32" runs there.',
                stacklevel=4,
            )
            return
