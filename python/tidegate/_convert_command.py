"""`tidegate convert`: model files of tidegate, ONNX and Keras, one into another."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tidegate import io
from tidegate._extras import require
from tidegate._files import FOREIGN
from tidegate.forecast.errors import InputError
from tidegate.forecast.options import at_least
from tidegate.forecast.outputs import check_new
from tidegate.models.base import BaseModel

EPILOG = """\
examples:
  tidegate convert model.safetensors model.onnx --opset 22
  tidegate convert model.keras model.safetensors
  tidegate convert model.safetensors model.keras

The endings of the names say what is what:
  .safetensors   a file of model.save or `tidegate train`
  .onnx          written only: tidegate.onnx.load runs such a file, but it is a graph of operators,
                 without the layers that training needs
  .keras, .h5    a whole model of Keras 3
  .pt, .pth      no: such a file names weights, not layers; see tidegate.torch.from_torch

A layer or an option that the other side does not have is refused by name. Columns and scales of
`tidegate train` stay behind: only tidegate's own files hold them.

exit status: 0 done, 1 an extra is missing, 2 a name or a file must be mended
"""
KERAS = (".keras", ".h5")
TORCH = (".pt", ".pth")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("source", type=Path, metavar="FROM", help="the model file to read")
    add("target", type=Path, metavar="TO", help="the model file to write")
    help_text = "version of ONNX's operators (default: %(default)s)"
    add("--opset", type=at_least(1), default=22, metavar="N", help=help_text)
    add("--force", action="store_true", help="replace a file that is there already")


def run(args: argparse.Namespace) -> int:
    """Run the command; see the end of its help for the exit status."""
    try:
        check_new("TO", args.target, args.source, force=args.force)
        writers: dict[str, Callable[[BaseModel, argparse.Namespace], None]] = {
            ".safetensors": _write_tidegate,
            ".onnx": _write_onnx,
            **dict.fromkeys(KERAS, _write_keras),
        }
        write = writers.get(args.target.suffix.lower())
        if write is None:
            raise InputError(_unknown("TO", args.target, writers))
        model = _read(args.source)
        write(model, args)
    except (InputError, ValueError, OSError) as error:
        text = str(error)
        if isinstance(error, ValueError) and not isinstance(error, InputError):
            text = text if str(args.source) in text else f"{args.source}: {text}"
        print(f"tidegate convert: error: {' '.join(text.split())}", file=sys.stderr)
        return 2
    print(f"{args.target}: {model!r}, {args.target.stat().st_size} bytes")
    return 0


def _read(path: Path) -> BaseModel:
    """Return the model of a file."""
    kind = path.suffix.lower()
    if not path.exists():
        raise InputError(f"{path}: no such file.")
    if kind == ".safetensors":
        return io.load(path)
    if kind in KERAS:
        keras = require("keras", extra="keras", purpose="convert")
        from tidegate.keras import from_keras

        return from_keras(keras.saving.load_model(path, compile=False))
    if kind == ".onnx":
        raise InputError(
            f"{path}: an ONNX file is a graph of operators, without the layers of a model; run it "
            "by tidegate.onnx.load, or convert the model that it was exported from."
        )
    if kind in TORCH:
        raise InputError(
            f"{path}: PyTorch's files name weights, not layers; make the module in Python, and "
            "save tidegate.torch.from_torch(module)."
        )
    raise InputError(_unknown("FROM", path, [".safetensors", *KERAS]))


def _unknown(option: str, path: Path, known: Any) -> str:
    writer = FOREIGN.get(path.suffix.lower()) if option == "TO" else None
    if writer is not None:
        return f"{option} {path}: expected one of {', '.join(known)} (in Python: {writer})."
    return f"{option} {path}: the ending is unknown; expected one of {', '.join(known)}."


def _write_tidegate(model: BaseModel, args: argparse.Namespace) -> None:
    io.save(model, args.target)


def _write_onnx(model: BaseModel, args: argparse.Namespace) -> None:
    require("onnx", extra="onnx", purpose="convert")
    from tidegate import onnx

    onnx.export(model, args.target, opset=args.opset)


def _write_keras(model: BaseModel, args: argparse.Namespace) -> None:
    require("keras", extra="keras", purpose="convert")
    from tidegate.keras import to_keras

    # Keras knows the format by the ending, and writes in place.
    part = args.target.with_name(f".part-{args.target.name}")
    try:
        to_keras(model).save(part)
        part.replace(args.target)
    finally:
        part.unlink(missing_ok=True)
