"""Model files: safetensors, with the architecture as JSON in the metadata. A file is data only.

    metadata  format             "tidegate"
              format_version     "1"
              tidegate_version   for error messages
              model              JSON: layers, how they are connected; seed; compile arguments;
                                 counters
              checksum           SHA-256 of all the above and of all arrays
    arrays    weights/<layer>/<parameter>               such as weights/lstm/weight_ih (4H, I)
              optimizer/<slot>/<layer>/<parameter>      moments

Loading makes only layers, losses, ... that tidegate knows by name, checks every shape before it
allocates anything, and turns whatever is wrong into a ModelFileError.
"""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from typing import Any

import numpy as np

from tidegate._extras import require
from tidegate._files import write_whole
from tidegate._version import __version__
from tidegate.layers.types import Array
from tidegate.models import description
from tidegate.models.base import BaseModel

FORMAT = "tidegate"
FORMAT_VERSION = "1"
_METADATA = ("format", "format_version", "tidegate_version", "model", "checksum")

Path = str | os.PathLike[str]


class ModelFileError(ValueError):
    """A file cannot be read as a model; the message says why."""


def save(model: BaseModel, path: Path, *, include_optimizer: bool = True) -> None:
    """Write a model to a file, whole or not at all.

    Parameters
    ----------
    model : Sequential or Model
        Built.
    path : str or path
        An old file there is replaced at the last moment, by a rename.
    include_optimizer : bool
        Save how the model was compiled, and the optimizer's moments and steps, so that a later fit
        continues bit for bit.

    Raises
    ------
    ImportError
        safetensors is missing; the message says how to install it.
    OSError
        The file cannot be written; an old one is unharmed.
    RuntimeError
        The model is not built.
    ValueError
        A weight is not finite, or the model holds a layer, loss, ... of a class of the user's.

    Examples
    --------
    >>> save(model, "m.safetensors")                                             # doctest: +SKIP
    """
    target = _path_text("save", path)
    write_whole(target, _content("save", model, include_optimizer))


def to_bytes(model: BaseModel, *, include_optimizer: bool = True) -> bytes:
    """Return what `save` writes to a file.

    Parameters
    ----------
    model : Sequential or Model
        Built.
    include_optimizer : bool
        As in `save`.

    Raises
    ------
    ImportError, RuntimeError, TypeError, ValueError
        As in `save`.

    Examples
    --------
    >>> stored = to_bytes(model)                                                 # doctest: +SKIP
    """
    return _content("to_bytes", model, include_optimizer)


def _content(where: str, model: BaseModel, include_optimizer: bool) -> bytes:
    """Return the bytes of a file; errors start with `where`."""
    purpose = "model.save" if where == "save" else where
    safetensors = require("safetensors.numpy", extra="io", purpose=purpose)
    if not isinstance(model, BaseModel):
        raise TypeError(
            f"{where}: model is {type(model).__name__}; expected a Sequential or Model."
        )
    model.require_built(where)
    arrays = description.arrays(model, include_optimizer)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{where}: {name} is not finite; nothing was written.")
    text = json.dumps(description.describe(model, include_optimizer), allow_nan=False)
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "tidegate_version": __version__,
        "model": text,
    }
    metadata["checksum"] = _checksum(metadata, arrays)
    stored: bytes = safetensors.save(arrays, metadata)
    return stored


def load(path: Path) -> BaseModel:
    """Read a model from a file that `save` wrote.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Sequential or Model
        Built, and compiled if it was saved with its optimizer.

    Raises
    ------
    ImportError
        safetensors is missing; the message says how to install it.
    OSError
        The file cannot be read.
    ModelFileError
        It is truncated, was changed, is of another version, or is not a model.

    Examples
    --------
    >>> model = load("m.safetensors")                                            # doctest: +SKIP
    """
    safetensors = require("safetensors", extra="io", purpose="load")
    name = _path_text("load", path)
    kind = os.stat(name).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # opening a pipe would wait for ever
        raise ModelFileError(f"load: {name} is a device or pipe; expected a file.")
    with open(name, "rb"):  # a missing or unreadable file is an OSError, as everywhere
        pass
    return _make("load", name, *_read(safetensors, name))


def from_bytes(stored: bytes | bytearray | memoryview) -> BaseModel:
    """Make a model from what `to_bytes` returned, checked as `load` checks a file.

    Parameters
    ----------
    stored : bytes

    Raises
    ------
    ImportError
        safetensors is missing; the message says how to install it.
    ModelFileError
        The bytes are truncated, were changed, or are not a model.

    Examples
    --------
    >>> model = from_bytes(stored)                                               # doctest: +SKIP
    """
    where, name = "from_bytes", "stored"
    if not isinstance(stored, bytes | bytearray | memoryview):
        raise TypeError(f"{where}: {name} is {type(stored).__name__}; expected bytes.")
    content = bytes(stored)
    safetensors = require("safetensors.numpy", extra="io", purpose=where)
    errors = require("safetensors", extra="io", purpose=where).SafetensorError
    try:
        arrays = safetensors.load(content)
        size = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + size]).get("__metadata__") or {}
    except (errors, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelFileError(_unreadable(where, name, error)) from error
    _require_format(where, name, metadata)
    _require_checksum(where, name, metadata, arrays)
    return _make(where, name, metadata, arrays)


def _make(
    where: str, name: str, metadata: Mapping[str, str], arrays: Mapping[str, Array]
) -> BaseModel:
    try:
        return description.make(_parse(metadata["model"]), arrays)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, MemoryError) as error:
        raise ModelFileError(f"{where}: {name} does not describe a model ({error}).") from error


def _unreadable(where: str, name: str, error: Exception) -> str:
    return (
        f"{where}: {name} is not a whole safetensors file ({error}); "
        "expected a file that model.save wrote."
    )


def _path_text(where: str, path: Any) -> str:
    """Return a path as text, whatever bytes its name has."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"{where}: path is {path!r}; expected a string or path.")
    text = os.fsdecode(path)
    if "\0" in text:
        raise ValueError(f"{where}: path is {path!r}, with a zero byte; expected a path without.")
    return text


def _read(safetensors: Any, name: str) -> tuple[dict[str, str], dict[str, Array]]:
    """Return metadata and arrays of a file whose format, version and checksum are right."""
    try:
        with safetensors.safe_open(name, framework="numpy") as file:
            metadata = file.metadata() or {}
            _require_format("load", name, metadata)
            arrays = {key: file.get_tensor(key) for key in sorted(file.keys())}
    except ModelFileError:
        raise
    except (
        safetensors.SafetensorError,
        ValueError,
        TypeError,
        KeyError,
        OSError,
        AttributeError,  # a dtype that NumPy does not have
    ) as error:
        raise ModelFileError(_unreadable("load", name, error)) from error
    _require_checksum("load", name, metadata, arrays)
    return metadata, arrays


def _require_checksum(
    where: str, name: str, metadata: Mapping[str, str], arrays: Mapping[str, Array]
) -> None:
    if metadata["checksum"] != _checksum(metadata, arrays):
        raise ModelFileError(
            f"{where}: {name} has another content than its checksum says; "
            "it was changed or damaged after model.save wrote it."
        )


def _require_format(where: str, name: str, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT or set(metadata) != set(_METADATA):
        raise ModelFileError(
            f"{where}: {name} is a safetensors file, but not a model of tidegate; "
            "expected a file that model.save wrote."
        )
    if metadata["format_version"] != FORMAT_VERSION:
        raise ModelFileError(
            f"{where}: {name} has format version {metadata['format_version']!r}, written by "
            f"tidegate {metadata['tidegate_version']}; expected {FORMAT_VERSION!r} "
            f"(this is tidegate {__version__})."
        )


def _parse(text: str) -> Any:
    def refuse(constant: str) -> Any:
        raise ValueError(f"a number is {constant}")

    return json.loads(text, parse_constant=refuse)


def _checksum(metadata: Mapping[str, str], arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of metadata and arrays."""
    digest = hashlib.sha256()
    for key in _METADATA[:-1]:
        digest.update(f"{key}\0{metadata[key]}\0".encode())
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        digest.update(f"{key}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
