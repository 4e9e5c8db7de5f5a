"""Where results go; checked before any training, so that no minute is lost to a wrong path."""

import csv
import io
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tidegate._extras import require
from tidegate._files import write_whole
from tidegate.forecast.errors import InputError


def check_file(option: str, path: Path, source: Path | None = None) -> None:
    """Raise unless a file can be written at `path`.

    Parameters
    ----------
    option : str
        Such as "--output", to start the message.
    path : Path
    source : Path, optional
        The input, which must not be overwritten.

    Raises
    ------
    InputError
        The folder is missing or cannot be written to, or `path` is a folder or the input.
    """
    if path.is_dir():
        raise InputError(f"{option} {path}: is a directory; expected the name of a file.")
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise InputError(f"{option} {path}: is the input; expected another file.")
    folder = path.parent
    if not folder.is_dir():
        fault = "is not a directory" if folder.exists() else "does not exist"
        raise InputError(f"{option} {path}: the folder {folder} {fault}; make it first.")
    if path.exists() and not os.access(path, os.W_OK):
        raise InputError(f"{option} {path}: the file is there and cannot be overwritten.")
    _try_writing(option, folder)


def check_new(option: str, path: Path, source: Path | None = None, *, force: bool) -> None:
    """Raise unless a file can be written at `path` and, without `force`, there is none yet.

    Raises
    ------
    InputError
        As in `check_file`, or the file is there and `force` is not given.
    """
    check_file(option, path, source)
    if path.exists() and not force:
        raise InputError(f"{option} {path}: is there already; give --force to replace it.")


def check_picture(option: str, path: Path, source: Path | None = None) -> None:
    """Raise unless matplotlib is there and can draw a picture of this kind at `path`.

    Raises
    ------
    InputError
        As in `check_file`, or matplotlib cannot write files with this ending.
    ImportError
        matplotlib is missing; the message says how to install it.
    """
    check_file(option, path, source)
    backend = require("matplotlib.backend_bases", extra="plot", purpose=option)
    known = backend.FigureCanvasBase.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in known:
        raise InputError(f"{option} {path}: a picture ends in one of .{', .'.join(sorted(known))}.")


def check_model_file(option: str, path: Path) -> None:
    """Raise an InputError unless the name is that of a model file of tidegate."""
    if path.suffix != ".safetensors":
        raise InputError(
            f"{option} {path}: expected a name that ends in .safetensors (`tidegate convert` makes "
            ".onnx, .keras and .h5 files of it)."
        )


def csv_bytes(rows: Iterable[Iterable[Any]]) -> bytes:
    """Return rows as the content of a CSV file in UTF-8."""
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows(rows)
    return sheet.getvalue().encode()


def write_output(option: str, path: Path, content: bytes, what: str) -> None:
    """Write a file, whole or not at all; raise an InputError that starts with the option."""
    try:
        write_whole(str(path), content, what)
    except OSError as error:
        raise InputError(f"{option} {path}: {error.strerror}.") from None


def write_picture(path: Path, figure: Any) -> None:
    """Write a matplotlib Figure, whole or not at all; the ending of the name says how."""
    content = io.BytesIO()
    figure.savefig(content, dpi=130, format=path.suffix.lower().removeprefix("."))
    write_whole(str(path), content.getvalue(), "the picture")


def make_folder(option: str, path: Path) -> None:
    """Make a folder for results, or raise an InputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"{option} {path}: a file is in the way; expected the name of a folder."
        ) from None
    except OSError as error:
        raise InputError(f"{option} {path}: cannot be made ({error.strerror}).") from None
    _try_writing(option, path)


def _try_writing(option: str, folder: Path) -> None:
    """Write a file that vanishes: permissions alone do not tell (read-only or full disks)."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\n")
    except OSError as error:
        raise InputError(
            f"{option}: nothing can be written into {folder} ({error.strerror})."
        ) from None
