"""What a model file is made of besides arrays: format, version, checksum; see `tidegate.io`."""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from typing import Any

import numpy as np

from tidegate._extras import require
from tidegate._version import __version__
from tidegate.layers.types import Array

FORMAT = "tidegate"
FORMAT_VERSION = "1"
METADATA = ("format", "format_version", "tidegate_version", "model", "checksum")
NOTES = "notes"


class ModelFileError(ValueError):
    """A file cannot be read as a model; the message says why."""


FOREIGN = {  # endings of other systems' files, and what reads them
    ".onnx": "tidegate.onnx.load reads ONNX files",
    ".keras": "`tidegate convert` reads Keras's files",
    ".h5": "`tidegate convert` reads Keras's files",
    ".pt": "tidegate.torch.from_torch takes a module that has these weights",
    ".pth": "tidegate.torch.from_torch takes a module that has these weights",
}


def unreadable(where: str, name: str, error: Exception) -> str:
    """Return the message about bytes that safetensors does not take."""
    hint = FOREIGN.get(os.path.splitext(name)[1].lower())
    if hint:
        return f"{where}: {name} is no model file of tidegate ({error}); {hint}."
    return (
        f"{where}: {name} is not a whole safetensors file ({error}); "
        "expected a file that model.save wrote."
    )


def read(name: str) -> tuple[dict[str, str], dict[str, Array]]:
    """Return metadata and arrays of a file whose format, version and checksum are right."""
    safetensors = require("safetensors", extra="io", purpose="load")
    kind = os.stat(name).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # opening a pipe would wait for ever
        raise ModelFileError(f"load: {name} is a device or pipe; expected a file.")
    with open(name, "rb"):  # a missing or unreadable file is an OSError, as everywhere
        pass
    try:
        with safetensors.safe_open(name, framework="numpy") as file:
            metadata = file.metadata() or {}
            require_format("load", name, metadata)
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
        raise ModelFileError(unreadable("load", name, error)) from error
    require_checksum("load", name, metadata, arrays)
    return metadata, arrays


def require_checksum(
    where: str, name: str, metadata: Mapping[str, str], arrays: Mapping[str, Array]
) -> None:
    """Raise a ModelFileError unless metadata and arrays are what was written."""
    if metadata["checksum"] != checksum(metadata, arrays):
        raise ModelFileError(
            f"{where}: {name} has another content than its checksum says; "
            "it was changed or damaged after model.save wrote it."
        )


def require_format(where: str, name: str, metadata: Mapping[str, str]) -> None:
    """Raise a ModelFileError unless it is a model file of a version that is known."""
    if metadata.get("format") != FORMAT or set(metadata) - {NOTES} != set(METADATA):
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


def parse(text: str) -> Any:
    """Return what JSON text says; NaN and Infinity, which JSON does not have, are a ValueError."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"a number is {constant}")

    return json.loads(text, parse_constant=refuse)


def checksum(metadata: Mapping[str, str], arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of metadata and arrays."""
    digest = hashlib.sha256()
    for key in (*METADATA[:-1], *([NOTES] if NOTES in metadata else [])):
        digest.update(f"{key}\0{metadata[key]}\0".encode())
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        digest.update(f"{key}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
