"""The columns of a table as arrays, sequence by sequence; what cannot be used names its cell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tidegate.forecast.errors import InputError
from tidegate.forecast.table import Table
from tidegate.forecast.timeaxis import TimeAxis, infer_axis, require_increasing
from tidegate.forecast.timetext import Times, parse_times
from tidegate.tabular.plan import Plan

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LARGEST = 1e30  # squares of float32 must stay finite


@dataclass(frozen=True)
class Rows:
    """A table in the order of its sequences: those of one group stand together.

    Attributes
    ----------
    inputs : (n, F) float64
        Columns of `plan.inputs`; NaN where a cell is empty.
    targets : (n, K) float64
        NaN where a cell is empty; for classes the number of the class.
    steps : (n,) int64
        Position on the sequence's grid: a jump is a gap in the times.
    starts : (S + 1,) int64
        Where each of the S sequences begins; the last entry is n.
    names : list of str
        Of the sequences; [""] without a group column.
    axes : list of TimeAxis
        Of the sequences.
    lines : (n,) int64
        The number of each row in its file.
    """

    plan: Plan
    inputs: Floats
    targets: Floats
    steps: Ints
    starts: Ints
    names: list[str]
    axes: list[TimeAxis]
    lines: Ints

    def sequence_of(self, rows: Ints) -> Ints:
        """Return the number of the sequence that each row belongs to."""
        return np.searchsorted(self.starts, rows, side="right") - 1


def read_rows(
    table: Table, plan: Plan, classes: Sequence[str] | None = None, axis: TimeAxis | None = None
) -> tuple[Rows, list[str]]:
    """Take the columns of a plan out of a table.

    Parameters
    ----------
    table : Table
    plan : Plan
    classes : list of str, optional
        Names of the classes as they were learnt; found in the table if omitted.
    axis : TimeAxis, optional
        How far apart rows were when the network was trained.

    Returns
    -------
    Rows, and the names of the classes (empty unless the plan classifies). Without target columns in
    the table, where `classes` or `axis` show that it is to be predicted, targets are NaN.

    Raises
    ------
    InputError
        A column is missing, a cell is no number or empty, or times do not fit.
    """
    order, starts, names = _sequences(table, plan.group)
    found = list(classes or [])
    inputs = np.stack([table.numbers(name) for name in plan.inputs], axis=1)
    _require_numbers(table, plan, inputs)
    if plan.classifies:
        targets, found = _class_numbers(table, plan.targets[0], found)
    else:
        targets = np.stack([_known(table, name) for name in plan.targets], axis=1)
    steps, axes = _positions(table, plan, order, starts, names, axis)
    lines = np.array(table.lines, dtype=np.int64)[order]
    return Rows(plan, inputs[order], targets[order], steps, starts, names, axes, lines), found


def _sequences(table: Table, group: str | None) -> tuple[Ints, Ints, list[str]]:
    """Return the order that puts sequences together, where each begins, and their names."""
    count = len(table.rows)
    if group is None:
        return np.arange(count), np.array([0, count]), [""]
    cells = table.texts(group)
    for place, cell in zip(table.places(group), cells, strict=True):
        if not cell:
            raise InputError(f"{place}: the cell is empty; expected the name of a sequence.")
    numbers: dict[str, int] = {}
    member = np.array([numbers.setdefault(cell, len(numbers)) for cell in cells])
    starts = np.concatenate([[0], np.cumsum(np.bincount(member))])
    return np.argsort(member, kind="stable"), starts.astype(np.int64), list(numbers)


def _require_numbers(table: Table, plan: Plan, inputs: Floats) -> None:
    """Refuse what a network cannot read; the target of a forecast is among the inputs."""
    for row, column in np.argwhere(np.abs(inputs) > LARGEST)[:1]:
        place = table.places(plan.inputs[column])[row]
        raise InputError(f"{place}: is beyond {LARGEST:g}; expected less (change the unit).")
    if plan.missing == "carry":
        return
    empty = np.argwhere(np.isnan(inputs))
    if empty.size:
        row, column = (int(index) for index in empty[0])
        place = table.places(plan.inputs[column])[row]
        more = f" ({len(empty)} cells are)" if len(empty) > 1 else ""
        raise InputError(
            f"{place}: the cell is empty{more}; expected a number (fill it, train with "
            "--missing carry, or leave the column out of --features)."
        )


def _known(table: Table, name: str) -> Floats:
    """Return a column of numbers, NaN where the table does not have it."""
    if name not in table.header:
        return np.full(len(table.rows), np.nan)
    return table.numbers(name)


def _class_numbers(table: Table, name: str, classes: list[str]) -> tuple[Floats, list[str]]:
    """Return the number of each row's class (n, 1), NaN where it is not told; and the names."""
    if name not in table.header:
        return np.full((len(table.rows), 1), np.nan), classes
    cells = table.texts(name)
    found = classes or sorted({cell for cell in cells if cell})
    numbers = {text: float(number) for number, text in enumerate(found)}
    for place, cell in zip(table.places(name), cells, strict=True):
        if cell and cell not in numbers:
            listed = ", ".join(f'"{text}"' for text in found[:10])
            raise InputError(
                f'{place}: "{cell}" is a class that the network was not trained on; expected one '
                f"of {listed} (or leave the cell empty, if it is to be predicted)."
            )
    return np.array([[numbers.get(cell, np.nan)] for cell in cells]), found


def _positions(
    table: Table,
    plan: Plan,
    order: Ints,
    starts: Ints,
    names: list[str],
    trained: TimeAxis | None,
) -> tuple[Ints, list[TimeAxis]]:
    """Return where each row stands on the grid of its sequence, and the grids."""
    pairs = list(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True))
    if plan.time is None:
        counted = np.concatenate([np.arange(stop - start) for start, stop in pairs])
        return counted, [TimeAxis()] * len(pairs)
    listed = table.places(plan.time)
    times, style = parse_times(table.texts(plan.time), listed, plan.time_format)
    times, places = times[order], [listed[row] for row in order]
    for start, stop in pairs:
        require_increasing(times[start:stop], places[start:stop], style)
    if plan.window is None:  # whole sequences need an order, not a grid
        counted = np.concatenate([np.arange(stop - start) for start, stop in pairs])
        return counted, [TimeAxis()] * len(pairs)
    start, stop = max(pairs, key=lambda pair: pair[1] - pair[0])
    axis = trained or TimeAxis("fixed", times[start])
    if stop - start > 1:
        axis, _ = infer_axis(times[start:stop], places[start:stop], style)
        _require_same_step(table, plan, axis, trained)
    axis = replace(axis, time_format=style)
    axes = [replace(axis, start=times[start]) for start, _ in pairs]
    return _on_grids(times, places, pairs, names, axes), axes


def _require_same_step(table: Table, plan: Plan, axis: TimeAxis, trained: TimeAxis | None) -> None:
    """Refuse hours where the network was trained on days."""
    if trained is not None and axis.every() != trained.every():
        raise InputError(
            f'{table.path}: column "{plan.time}": the rows come every {axis.every()}, but the '
            f"network was trained on one every {trained.every()}; resample the file."
        )


def _on_grids(
    times: Times,
    places: list[str],
    pairs: list[tuple[int, int]],
    names: list[str],
    axes: list[TimeAxis],
) -> Ints:
    """Place each sequence on its grid, or name the first one that does not fit."""
    steps = []
    for (start, stop), name, axis in zip(pairs, names, axes, strict=True):
        placed = axis.steps_of(times[start:stop])
        if placed is None:
            raise InputError(
                f'{places[start]}: the times of "{name}" are not {axis.every()} apart, as those of '
                "the longest sequence are; resample the file, or leave out --time to take the rows "
                "as they come."
            )
        steps.append(placed)
    return np.concatenate(steps)
