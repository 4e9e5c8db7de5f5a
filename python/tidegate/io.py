"""Model files: safetensors, with the architecture as JSON in the metadata. A file is data only.

    metadata  format             "tidegate"
              format_version     "1"
              tidegate_version   for error messages
              model              JSON: layers, how they are connected; seed; compile arguments;
                                 counters
              notes              JSON, optional: what the program that saved it wants to keep
              checksum           SHA-256 of all the above and of all arrays
    arrays    weights/<layer>/<parameter>               such as weights/lstm/weight_ih (4H, I)
              optimizer/<slot>/<layer>/<parameter>      moments

Loading makes only layers, losses, ... that tidegate knows by name, checks every shape before it
allocates anything, and turns whatever is wrong into a ModelFileError.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tidegate._extras import require
from tidegate._files import path_text, refuse_foreign, write_whole
from tidegate._model_format import (
    FORMAT,
    FORMAT_VERSION,
    NOTES,
    ModelFileError,
    checksum,
    parse,
    read,
    require_checksum,
    require_format,
    unreadable,
)
from tidegate._version import __version__
from tidegate.layers.types import Array
from tidegate.models import description
from tidegate.models.base import BaseModel

__all__ = ["ModelFileError", "from_bytes", "load", "load_notes", "save", "to_bytes"]

Path = str | os.PathLike[str]


def save(
    model: BaseModel,
    path: Path,
    *,
    include_optimizer: bool = True,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a model to a file, whole or not at all.

    Parameters
    ----------
    model : Sequential or Model
        Built.
    path : str or path
        An old file there is replaced at the last moment, by a rename. Its ending is not that of
        another format, such as .h5, .keras, .onnx or .pt.
    include_optimizer : bool
        Save how the model was compiled, and the optimizer's moments and steps, so that a later fit
        continues bit for bit.
    notes : mapping that JSON knows, optional
        Kept in the file beside the model, such as names of columns and scales; see `load_notes`.

    Raises
    ------
    ImportError
        safetensors is missing; the message says how to install it.
    OSError
        The file cannot be written; an old one is unharmed.
    RuntimeError
        The model is not built.
    ValueError
        A weight is not finite, the model holds a layer, loss, ... of a class of the user's, or the
        ending of `path` is that of another format; the message says what writes such a file.

    Examples
    --------
    >>> save(model, "m.safetensors")                                             # doctest: +SKIP
    """
    target = path_text("save", path)
    refuse_foreign("save", "path", target)
    write_whole(target, _content("save", model, include_optimizer, notes), "the model", "save")


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


def _content(
    where: str,
    model: BaseModel,
    include_optimizer: bool,
    notes: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the bytes of a file; errors start with `where`."""
    purpose = "model.save" if where == "save" else where
    safetensors = require("safetensors.numpy", extra="io", purpose=purpose)
    if not isinstance(model, BaseModel):
        raise TypeError(
            f"{where}: model is {type(model).__name__}; expected a Sequential or Model of tidegate."
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
    if notes is not None:
        metadata[NOTES] = json.dumps(dict(notes), allow_nan=False)
    metadata["checksum"] = checksum(metadata, arrays)
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
    name = path_text("load", path)
    return _make("load", name, *read(name))


def load_notes(path: Path) -> dict[str, Any]:
    """Read what `save` was given as `notes`; nothing if it was given none.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    ImportError, OSError, ModelFileError
        As `load`.

    Examples
    --------
    >>> columns = load_notes("m.safetensors").get("columns")                     # doctest: +SKIP
    """
    name = path_text("load_notes", path)
    metadata, _ = read(name)
    try:
        notes: dict[str, Any] = dict(parse(metadata.get(NOTES, "{}")))
    except (ValueError, TypeError, RecursionError) as error:
        raise ModelFileError(
            f"load_notes: {name} has notes that are no table ({error})."
        ) from error
    return notes


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
        raise ModelFileError(unreadable(where, name, error)) from error
    require_format(where, name, metadata)
    require_checksum(where, name, metadata, arrays)
    return _make(where, name, metadata, arrays)


def _make(
    where: str, name: str, metadata: Mapping[str, str], arrays: Mapping[str, Array]
) -> BaseModel:
    try:
        return description.make(parse(metadata["model"]), arrays)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, MemoryError) as error:
        raise ModelFileError(f"{where}: {name} does not describe a model ({error}).") from error
