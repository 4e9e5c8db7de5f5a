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

import contextlib
import errno
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from typing import Any

import numpy as np

from tidegate._extras import require
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
    safetensors = require("safetensors.numpy", extra="io", purpose="model.save")
    if not isinstance(model, BaseModel):
        raise TypeError(f"save: model is {type(model).__name__}; expected a Sequential or Model.")
    target = _path_text("save", path)
    model.require_built("save")
    arrays = description.arrays(model, include_optimizer)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"save: {name} is not finite; nothing was written.")
    text = json.dumps(description.describe(model, include_optimizer), allow_nan=False)
    metadata = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "tidegate_version": __version__,
        "model": text,
    }
    metadata["checksum"] = _checksum(metadata, arrays)
    _write(target, safetensors.save(arrays, metadata))


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
    metadata, arrays = _read(safetensors, name)
    try:
        return description.make(_parse(metadata["model"]), arrays)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, MemoryError) as error:
        raise ModelFileError(f"load: {name} does not describe a model ({error}).") from error


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
            _require_format(name, metadata)
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
        raise ModelFileError(
            f"load: {name} is not a whole safetensors file ({error}); "
            "expected a file that model.save wrote."
        ) from error
    if metadata["checksum"] != _checksum(metadata, arrays):
        raise ModelFileError(
            f"load: {name} has another content than its checksum says; "
            "it was changed or damaged after model.save wrote it."
        )
    return metadata, arrays


def _require_format(name: str, metadata: Mapping[str, str]) -> None:
    if metadata.get("format") != FORMAT or set(metadata) != set(_METADATA):
        raise ModelFileError(
            f"load: {name} is a safetensors file, but not a model of tidegate; "
            "expected a file that model.save wrote."
        )
    if metadata["format_version"] != FORMAT_VERSION:
        raise ModelFileError(
            f"load: {name} has format version {metadata['format_version']!r}, written by tidegate "
            f"{metadata['tidegate_version']}; expected {FORMAT_VERSION!r} "
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


def _write(path: str, content: bytes) -> None:
    """Write a file beside the path, then rename it: the path never holds half a file."""
    target = os.path.realpath(path)  # of a link, the file that it points to
    folder, base = os.path.split(target)
    temporary = os.path.join(folder, f".{base}.{os.getpid()}.{secrets.token_hex(4)}")
    if os.path.exists(target) and not os.path.isfile(target):
        # A rename would put the file in the place of /dev/null, a pipe or a socket.
        kind = IsADirectoryError if os.path.isdir(target) else OSError
        number = errno.EISDIR if os.path.isdir(target) else errno.EINVAL
        raise kind(number, "save: there is something else than a file; nothing was written", path)
    try:
        mode = stat.S_IMODE(os.stat(target).st_mode) if os.path.isfile(target) else None
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if mode is not None:
                os.chmod(file.fileno(), mode)
        os.replace(temporary, target)
    except OSError as error:
        text = f"save: cannot write the model: {error.strerror}; an old file is unharmed"
        raise type(error)(error.errno, text, path) from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
