"""load: an ONNX file to a model that computes it."""

import os
import stat
from typing import Any

from tidegate._extras import require
from tidegate._files import path_text
from tidegate._model_format import ModelFileError
from tidegate.onnx.loading.graph import graph_of
from tidegate.onnx.model import OnnxModel

MOST_BYTES = 2**31  # what protobuf can hold


def load(path: "str | os.PathLike[str]") -> OnnxModel:
    """Read an ONNX file as a model that runs on tidegate's engine.

    Parameters
    ----------
    path : str or path
        A file that `tidegate.onnx.export`, PyTorch, Keras or another program wrote, of opset 7 or
        later. Weights may lie in other files of its folder.

    Returns
    -------
    OnnxModel
        For inference: `predict` and `run`.

    Raises
    ------
    ImportError
        The package onnx is missing; the message says how to install it.
    OSError
        The file cannot be read.
    ModelFileError
        A ValueError: the file is no ONNX model, is damaged, or has an operator or a type that
        tidegate does not compute; the message names the node.

    Notes
    -----
    LSTM, GRU and RNN, and the operators that exporters put around them: docs/onnx.md lists them.
    A file is data: nothing in it is executed, and sizes are checked before memory is taken.

    Examples
    --------
    >>> model = load("m.onnx")                                                   # doctest: +SKIP
    >>> y = model.predict(x)                                                     # doctest: +SKIP
    """
    onnx = require("onnx", extra="onnx", purpose="load")
    name = path_text("load", path)
    try:
        model = _parse(onnx, name)
        graph = graph_of(model, os.path.dirname(os.path.abspath(name)))
        return OnnxModel(graph)
    except (ValueError, TypeError, IndexError, OverflowError, MemoryError) as error:
        raise ModelFileError(f"load: {name}: {str(error).rstrip('.')}.") from error


def _parse(onnx: Any, name: str) -> Any:
    """Return the ModelProto of a file."""
    found = os.stat(name)
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for ever
        raise ValueError("it is a folder, device or pipe; expected a file")
    if found.st_size > MOST_BYTES:
        raise ValueError(f"it has {found.st_size} bytes; expected {MOST_BYTES} at most")
    with open(name, "rb") as file:
        content = file.read()
    model = onnx.ModelProto()
    decode_error = require("google.protobuf.message", extra="onnx", purpose="load").DecodeError
    try:
        model.ParseFromString(content)
    except (decode_error, RuntimeError) as error:
        raise ValueError(f"it is no ONNX model, or not all of one ({error})") from error
    if not model.HasField("graph"):
        raise ValueError("it has no graph; expected an ONNX model")
    return model
