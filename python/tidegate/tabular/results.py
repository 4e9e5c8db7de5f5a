"""Predictions as columns, and columns as a CSV or Parquet file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.forecast.outputs import csv_bytes, write_output
from tidegate.forecast.parquet import PARQUET, parquet_bytes
from tidegate.tabular.model_file import TableModel
from tidegate.tabular.rows import Rows
from tidegate.tabular.samples import Samples

Columns = dict[str, list[Any]]


def columns(
    model: TableModel,
    rows: Rows,
    samples: Samples,
    predicted: npt.NDArray[np.float64],
    probabilities: bool,
) -> Columns:
    """Return what is written: where each prediction belongs, the truth if it is known, the answer.

    Parameters
    ----------
    model : TableModel
    rows : Rows
    samples : Samples
    predicted : (N, K) values, or (N, C) probabilities
    probabilities : bool
        Whether each class gets a column.
    """
    plan = rows.plan
    found: Columns = {}
    if plan.group is not None:
        found[plan.group] = [rows.names[number] for number in rows.sequence_of(samples.last)]
    if plan.window is not None:
        found[plan.time or "row"] = _labels(rows, samples)
    truth = np.full((len(samples), len(plan.targets)), np.nan)
    told = samples.truth >= 0
    truth[told] = rows.targets[samples.truth[told]]
    for column, name in enumerate(plan.targets):
        if not np.isnan(truth[:, column]).all():
            found[name] = [_cell(model, value) for value in truth[:, column]]
        if not plan.classifies:
            found[f"{name}_predicted"] = [float(value) for value in predicted[:, column]]
    if plan.classifies:
        best = predicted.argmax(axis=1) if len(predicted) else np.zeros(0, dtype=np.int64)
        found[f"{plan.targets[0]}_predicted"] = [model.classes[number] for number in best]
        found["probability"] = [float(p) for p in predicted.max(axis=1, initial=0.0)]
        for number, name in enumerate(model.classes if probabilities else []):
            found[f"probability_{name}"] = [float(p) for p in predicted[:, number]]
    return found


def write(option: str, path: Path, found: Columns) -> None:
    """Write columns as Parquet or CSV, as the ending says; whole or not at all.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    if path.suffix.lower() in PARQUET:
        content = parquet_bytes(list(found), found.values())
    else:
        rows = zip(*found.values(), strict=True)
        content = csv_bytes([list(found), *(map(_text, row) for row in rows)])
    write_output(option, path, content, "the predictions")


def _labels(rows: Rows, samples: Samples) -> list[Any]:
    """Return the time, or the number of the row in its sequence, that each prediction is about."""
    belongs = rows.sequence_of(samples.last)
    steps = rows.steps[samples.last] + rows.plan.horizon
    if rows.plan.time is None:
        return [int(step) + 1 for step in steps]
    pairs = zip(belongs, steps, strict=True)
    return [rows.axes[number].label(int(step)) for number, step in pairs]


def _cell(model: TableModel, value: float) -> Any:
    """Return a truth as the file tells it; None where it is not known."""
    if np.isnan(value):
        return None
    return model.classes[int(value)] if model.plan.classifies else float(value)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:.9g}" if isinstance(cell, float) else str(cell)


def preview(found: Columns, count: int = 3) -> str:
    """Return the last rows as lines of text."""
    names: Sequence[str] = list(found)
    rows = list(zip(*found.values(), strict=True))[-count:]
    return "\n".join(
        "  " + ", ".join(f"{n} {_text(c) or '?'}" for n, c in zip(names, row, strict=True))
        for row in rows
    )
