"""`tidegate predict`: what a model of `tidegate train` says about a table."""

import argparse
from pathlib import Path

from tidegate._extras import require
from tidegate.forecast.command import progress
from tidegate.forecast.errors import InputError
from tidegate.forecast.outputs import check_new
from tidegate.forecast.parquet import PARQUET
from tidegate.forecast.table import read_table
from tidegate.tabular import results, samples
from tidegate.tabular.model_file import TableModel
from tidegate.tabular.options import add_shared, complain, table_file, use_threads
from tidegate.tabular.rows import read_rows
from tidegate.tabular.scores import Comparison

EPILOG = """\
examples:
  tidegate predict demand.safetensors days.csv
  tidegate predict gestures.safetensors new.parquet --output answers.parquet --probabilities

Columns, window and scales stand in the model file. The table needs the columns that the network
reads, and its target only for a forecast; where targets are known, the answers are scored beside
those of a method that needs no training. A forecast goes --horizon steps beyond the last row.

exit status: 0 done, 1 failed, 2 an option, the model file or the table must be mended, 130 Ctrl-C
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL.safetensors", help="a file that `tidegate train` wrote")
    table_file(parser)
    help_text = "where to write, as CSV or .parquet (default: %(default)s)"
    add("--output", type=Path, default=Path("predictions.csv"), metavar="FILE", help=help_text)
    help_text = "write the probability of every class, not only that of the answer"
    add("--probabilities", action="store_true", help=help_text)
    add_shared(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command; see the end of its help for the exit status."""
    try:
        check_new("--output", args.output, args.file, force=args.force)
        check_new("--output", args.output, args.model, force=args.force)
        if args.output.suffix.lower() in PARQUET:
            require("pyarrow", extra="table", purpose="--output")
        use_threads(args)
        _predict(args)
    except InputError as error:
        complain("predict", error)
        return 2
    except OSError as error:
        complain("predict", error)
        return 1
    return 0


def _predict(args: argparse.Namespace) -> None:
    """Read, predict, compare, write."""
    model = TableModel.load(args.model)
    plan = model.plan
    if args.probabilities and not plan.classifies:
        raise InputError(f"--probabilities: {args.model} predicts numbers, not classes.")
    table = read_table(args.file, args.encoding)
    for name in (*plan.inputs, plan.group, plan.time):
        if name is not None:
            table.require(name)
    rows, _ = read_rows(table, plan, model.classes, model.axis)
    if plan.window is None:
        places = [f"{table.path}: {table.unit} {line}" for line in rows.lines]
        found = samples.whole_sequences(rows, places)
    else:
        found = samples.windows(rows)
    if len(found) == 0:
        raise InputError(
            f"{table.path}: no sequence has {plan.window} steps in a row, which the network reads "
            "before it answers; expected more rows or fewer gaps."
        )
    predicted = model.predict(rows, found, progress())
    columns = results.columns(model, rows, found, predicted, args.probabilities)
    results.write("--output", args.output, columns)
    print(f"{args.output}: {len(found)} predictions, the last of them\n{results.preview(columns)}")
    told = found.told(rows)
    if told.any():
        name = model.model.name.upper()
        compared = Comparison.of(rows, found.take(told), predicted[told], model.naive, name)
        print(f"\n{compared.text()}")
