"""`tidegate train`: train a network on a table, and save it with all that `predict` needs."""

import argparse
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidegate._extras import require
from tidegate.forecast.command import progress
from tidegate.forecast.errors import InputError
from tidegate.forecast.outputs import check_model_file, check_new, check_picture, write_picture
from tidegate.forecast.table import Table, read_table
from tidegate.tabular import network, samples
from tidegate.tabular.choices import continued_plan, plan_of
from tidegate.tabular.model_file import TableModel
from tidegate.tabular.network import Recipe
from tidegate.tabular.options import complain, use_threads
from tidegate.tabular.rows import Rows, read_rows
from tidegate.tabular.samples import Samples
from tidegate.tabular.scaling import Scaling
from tidegate.tabular.scores import Comparison
from tidegate.tabular.train_options import add_arguments
from tidegate.training.callbacks import History

__all__ = ["add_arguments", "run"]

INTERRUPTED = 130


@dataclass(frozen=True)
class Parts:
    """A table as samples to train on and, perhaps, samples that validate."""

    rows: Rows
    training: Samples
    validation: Samples | None


def run(args: argparse.Namespace) -> int:
    """Run the command; see the end of its help for the exit status."""
    try:
        _check_outputs(args)
        use_threads(args)
        return _train(args)
    except InputError as error:
        complain("train", error)
        return 2
    except OSError as error:  # a disk that fills up
        complain("train", error)
        return 1


def _check_outputs(args: argparse.Namespace) -> None:
    """Refuse a path that cannot be written and an extra that is missing, before any work."""
    check_new("--output", args.output, args.file, force=args.force)
    check_model_file("--output", args.output)
    require("safetensors", extra="io", purpose="train")
    if args.plot is not None:
        check_picture("--plot", args.plot, args.file)
        check_new("--plot", args.plot, args.file, force=args.force)


def _train(args: argparse.Namespace) -> int:
    """Read, train, compare, write."""
    table = read_table(args.file, args.encoding)
    earlier = None if args.start is None else TableModel.load(args.start)
    plan = plan_of(args, table) if earlier is None else continued_plan(args, earlier)
    classes = None if earlier is None else earlier.classes
    rows, classes = read_rows(table, plan, classes, None if earlier is None else earlier.axis)
    if plan.classifies and len(classes) < 2:
        raise InputError(
            f'{table.path}: column "{plan.targets[0]}" has {len(classes)} class; expected at '
            "least 2 (for numbers give --task regression)."
        )
    parts = _split(args, table, rows)
    print(_describe(table, parts))
    found = _new(rows, parts.training, classes, args) if earlier is None else earlier
    print(f"network: {_shape(found)}, {found.model.count_params()} parameters", flush=True)
    history = _fit(found, parts, args)
    found.save(args.output)
    if parts.validation is not None and len(parts.validation):
        predicted = found.predict(rows, parts.validation)
        name = found.model.name.upper()
        compared = Comparison.of(rows, parts.validation, predicted, found.naive, name)
        print(f"\n{compared.text()}\n")
    if args.plot is not None and history.history:
        write_picture(args.plot, history.plot().figure)
        print(f"picture: {args.plot}")
    print(f"model: {args.output}")
    if history.interrupted:
        print("interrupted: the model is that of the best epoch so far; --continue goes on from it")
    return INTERRUPTED if history.interrupted else 0


def _split(args: argparse.Namespace, table: Table, rows: Rows) -> Parts:
    """Make samples; keep some for validation."""
    plan = rows.plan
    if plan.window is None:
        found = samples.whole_sequences(rows, _places(table, rows, plan.targets[0]))
    else:
        found = samples.windows(rows)
    found = found.with_truth(rows)
    if len(found) == 0:
        raise InputError(_nothing(table, rows))
    if args.validation == 0:
        return Parts(rows, _thinned(found, args.stride), None)
    by_group = (args.split or ("group" if plan.window is None else "time")) == "group"
    if by_group and plan.group is None:
        raise InputError("--split group: needs --group, the column that tells sequences apart.")
    if not by_group and plan.window is None:
        raise InputError("--split time: needs --window; whole sequences are split by group.")
    if by_group:
        held_out = samples.split_by_group(rows, found, args.validation, args.seed)
    else:
        held_out = samples.split_by_time(rows, found, args.validation)
    if held_out.all():
        raise InputError(
            f"{table.path}: {len(found)} samples are too few to train on some and validate on "
            "others; expected more rows (or give --validation 0)."
        )
    return Parts(rows, _thinned(found.take(~held_out), args.stride), found.take(held_out))


def _thinned(found: Samples, stride: int) -> Samples:
    return found.take(np.arange(0, len(found), stride))


def _nothing(table: Table, rows: Rows) -> str:
    """Say why there is no sample at all."""
    plan = rows.plan
    if plan.window is None or np.isnan(rows.targets).all(axis=0).any():
        listed = ", ".join(f'"{name}"' for name in plan.targets)
        return f"{table.path}: column {listed} is empty; expected targets to learn from."
    longest = int(np.diff(rows.starts).max())
    return (
        f"{table.path}: no sequence has {plan.window + plan.horizon} steps in a row, as --window "
        f"{plan.window} and --horizon {plan.horizon} need, with a target; the longest has "
        f"{longest} rows. Expected more rows, fewer gaps or a shorter --window."
    )


def _places(table: Table, rows: Rows, column: str) -> list[str]:
    """Return where the cells of a column stand, in the order of `rows`."""
    places = dict(zip(table.lines, table.places(column), strict=True))
    return [places[line] for line in rows.lines.tolist()]


def _new(rows: Rows, training: Samples, classes: list[str], args: argparse.Namespace) -> TableModel:
    """Return a network that has not learnt yet, with what the training part says."""
    plan = rows.plan
    truth = rows.targets[training.truth]
    if plan.classifies:
        naive = [float(np.bincount(truth[:, 0].astype(np.int64)).argmax())]
    else:
        naive = truth.mean(axis=0).tolist()
    axis = rows.axes[0] if plan.time is not None and plan.window is not None else None
    model = network.build(plan, _recipe(args), len(classes))
    return TableModel(model, plan, Scaling.learn(rows, training), classes, axis, naive)


def _recipe(args: argparse.Namespace) -> Recipe:
    given = {name: getattr(args, name) for name in Recipe.__dataclass_fields__}
    return Recipe(**{name: value for name, value in given.items() if value is not None})


def _fit(found: TableModel, parts: Parts, args: argparse.Namespace) -> History:
    """Train the network of `found` in place."""
    network.compile_for(found.model, found.plan, args.learning_rate)

    def arrays(chosen: Samples) -> tuple[object, npt.NDArray[np.generic]]:
        x, y = found.scaling.inputs(parts.rows, chosen), found.scaling.targets(parts.rows, chosen)
        return x, y

    held_out = parts.validation
    return network.fit(
        found.model,
        _recipe(args),
        arrays(parts.training),
        None if held_out is None else arrays(held_out),
        save=lambda: found.save(args.output),
        verbose=1 if progress() else 2,
    )


def _describe(table: Table, parts: Parts) -> str:
    """Tell what was read and how it is split."""
    rows, plan = parts.rows, parts.rows.plan
    count = len(rows.names)
    sequences = f"{count} sequence{'' if count == 1 else 's'}"
    gaps = int(sum((np.diff(rows.steps[a:b]) > 1).sum() for a, b in _pairs(rows)))
    spaced = ""
    if rows.axes[0].kind != "index":
        spaced = f", a row every {rows.axes[0].every()}, {gaps} gaps"
    held_out = 0 if parts.validation is None else len(parts.validation)
    return (
        f"{table.path}: {len(rows.lines)} rows, {sequences}{spaced}\n"
        f"{plan.task} of {', '.join(plan.targets)} from {', '.join(plan.inputs)}: "
        f"{len(parts.training)} samples to train on, {held_out} to validate on"
    )


def _pairs(rows: Rows) -> list[tuple[int, int]]:
    return list(zip(rows.starts[:-1].tolist(), rows.starts[1:].tolist(), strict=True))


def _shape(found: TableModel) -> str:
    """Name the layers, such as "GRU 32, Dense 1"."""
    parts = []
    for layer in found.model.layers:
        units = getattr(layer, "units", None)
        parts.append(type(layer).__name__ + ("" if units is None else f" {units}"))
    return ", ".join(parts)
