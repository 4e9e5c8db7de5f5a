"""`tidegate info`: what to paste into a bug report; of a model file, what it holds."""

import argparse
import sys
from pathlib import Path

from tidegate.runtime import show_config

EPILOG = """\
examples:
  tidegate info                       instruction set, threads, compiler, versions
  tidegate info model.safetensors     layers, parameters, and what `tidegate train` noted
  tidegate info model.onnx            inputs and outputs of the graph
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the argument."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    help_text = "a model file to describe (default: describe this installation)"
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help=help_text)


def run(args: argparse.Namespace) -> int:
    """Print the configuration, or the description of a file; 2 if it cannot be read."""
    if args.file is None:
        show_config()
        return 0
    try:
        describe = _describe_onnx if args.file.suffix.lower() == ".onnx" else _describe
        text = describe(args.file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        print(f"tidegate info: error: {args.file}: {reason}", file=sys.stderr)
        return 2
    print(text)
    return 0


def _describe(path: Path) -> str:
    """Return the layers of a model and what was noted beside them."""
    from tidegate import io

    model, notes = io.load(path), io.load_notes(path)
    lines = [f"{path}: {path.stat().st_size} bytes, trained for {model.epochs_trained} epochs"]
    model.summary(lines.append)
    table = notes.get("table")
    if isinstance(table, dict) and isinstance(table.get("plan"), dict):
        shown = {**table["plan"], "classes": table.get("classes") or None}
        lines.append("trained on a table by `tidegate train`:")
        lines += [
            f"  {key:<12} {_text(value)}" for key, value in shown.items() if value is not None
        ]
    elif notes:
        lines.append(f"notes: {', '.join(notes)}")
    return "\n".join(lines)


def _describe_onnx(path: Path) -> str:
    """Return the inputs and outputs of a graph."""
    from tidegate import onnx

    model = onnx.load(path)
    sides = (("input", model.input_shapes), ("output", model.output_shapes))
    found = [
        f"  {side:<6} {name} {'of any shape' if shape is None else shape}"
        for side, shapes in sides
        for name, shape in shapes.items()
    ]
    return "\n".join([f"{path}: {path.stat().st_size} bytes, an ONNX graph", *found])


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
