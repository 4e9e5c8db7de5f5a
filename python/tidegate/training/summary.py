"""The table that `summary` prints."""

from collections.abc import Sequence

from tidegate.layers import checks
from tidegate.layers.base import Layer
from tidegate.layers.types import Shape


def table(
    name: str,
    entries: Sequence[tuple[str, Shape, Layer | None]],
    layers: Sequence[Layer],
    built: bool,
) -> str:
    """Return a table of entries (what, shape, the layer whose parameters count here)."""
    rows = [("Layer (type)", "Output shape", "Param #")]
    for what, shape, layer in entries:
        count = "" if layer is None else f"{layer.count_params():,}" if built else "0 (unbuilt)"
        rows.append((what, checks.shape_text(shape) if built else "?", count))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows]
    rule = "-" * (sum(widths) + 4)
    lines = [f'Model: "{name}"', lines[0], rule, *lines[1:], rule]
    if built:
        parameters = [parameter for layer in layers for parameter in layer.parameters]
        size = sum(parameter.size * parameter.dtype.itemsize for parameter in parameters)
        total = sum(parameter.size for parameter in parameters)
        lines.append(f"Trained parameters: {total:,} ({size / 1024:.2f} KiB)")
    else:
        lines.append("Not built: the shape of the input is not known yet.")
    return "\n".join(lines)
