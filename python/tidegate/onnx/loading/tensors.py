"""Tensors of a file as arrays: sizes are compared with the bytes before anything is allocated."""

import math
import os
from typing import Any

import numpy as np

from tidegate.layers.types import Array
from tidegate.onnx.operators.selection import DTYPES

# Where TensorProto keeps elements that are not raw bytes.
_FIELDS = {1: "float_data", 7: "int64_data", 11: "double_data", 12: "uint64_data"}
_FIELDS |= {13: "uint64_data"} | dict.fromkeys((2, 3, 4, 5, 6, 9), "int32_data")
EXTERNAL = 1  # data_location


def array_of(tensor: Any, folder: str | None) -> Array:
    """Return a TensorProto as a read-only array.

    Parameters
    ----------
    tensor : TensorProto
    folder : where files beside the model may lie, or None where there are none

    Raises
    ------
    ValueError
        Its type is none that is computed with, its data are not of its shape, or lie in a file
        that is not beside the model.
    """
    label = f"the tensor {tensor.name!r}"
    dtype = DTYPES.get(tensor.data_type)
    if dtype is None:
        raise ValueError(
            f"{label} has the element type {tensor.data_type}; expected float32, float64, an "
            "integer type or bool"
        )
    shape = tuple(tensor.dims)
    if len(shape) > 32 or any(size < 0 for size in shape):
        raise ValueError(f"{label} has the shape {shape[:40]}")
    count = math.prod(shape)
    if tensor.data_location == EXTERNAL:
        raw = _external(label, tensor, folder, count * dtype.itemsize)
    elif tensor.HasField("raw_data"):
        raw = tensor.raw_data
    else:
        return _listed(label, tensor, dtype, shape)
    if len(raw) != count * dtype.itemsize:
        raise ValueError(
            f"{label} has {len(raw)} bytes; expected {count * dtype.itemsize} for shape {shape} "
            f"of {dtype}"
        )
    array: Array = np.frombuffer(raw, dtype.newbyteorder("<")).reshape(shape)
    array = np.require(array, dtype, ["C", "A"])
    array.flags.writeable = False
    return array


def _listed(label: str, tensor: Any, dtype: Any, shape: tuple[int, ...]) -> Array:
    """Return elements that stand one by one."""
    found = getattr(tensor, _FIELDS[tensor.data_type])
    if len(found) != math.prod(shape):
        raise ValueError(
            f"{label} has {len(found)} elements; expected {math.prod(shape)} for shape {shape}"
        )
    wide = np.asarray(found, np.float64 if dtype.kind == "f" else None)
    array: Array = wide.astype(dtype).reshape(shape)
    array.flags.writeable = False
    return array


def _external(label: str, tensor: Any, folder: str | None, size: int) -> bytes:
    """Return the bytes of a tensor that lie in a file of their own, in the folder of the model."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise ValueError(f"{label} lies in the file {location!r}; expected all data in the model")
    home = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(home, location)) if "\0" not in location else home
    if os.path.isabs(location) or os.path.commonpath([home, path]) != home or path == home:
        raise ValueError(f"{label} lies in {location!r}; expected a file in the model's folder")
    if not os.path.isfile(path):
        raise ValueError(f"{label} lies in {location!r}, where there is no file")
    try:
        offset = int(entries.get("offset", "0"))
        length = int(entries.get("length", str(size)))
    except ValueError:
        raise ValueError(f"{label} has an offset or length that is no number") from None
    if length != size or offset < 0 or offset + size > os.path.getsize(path):
        raise ValueError(
            f"{label} is {length} bytes from {offset} on in {location!r}; expected {size}, of "
            f"{os.path.getsize(path)} that the file has"
        )
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(size)
