"""The options of `tidegate train`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from tidegate.forecast.options import at_least, number
from tidegate.layers.cells import CELLS
from tidegate.tabular.network import Recipe
from tidegate.tabular.options import add_shared, table_file
from tidegate.tabular.plan import MISSING, TASKS

Add = Callable[..., object]
EPILOG = """\
examples:
  tomorrow's demand from the last 28 days of demand, price and weather
    tidegate train days.csv --task forecast --target demand --features price temp \\
        --time day --window 28 --output demand.safetensors --plot curve.png
  a sensor that is expensive, from three that are not, for many machines
    tidegate train plant.parquet --target torque --features a b c --group machine --window 50
  one label for each recording
    tidegate train gestures.csv --task classification --target gesture --group recording

With --window the network reads so many steps and answers for the last of them, or --horizon steps
later; no window spans two sequences or a gap in the times. Without --window it reads the whole of
each --group and answers once. The scores are those of the part kept for validation, beside an
answer that needs no training. Ctrl-C saves the best network so far; --continue goes on from it.

exit status: 0 done, 1 failed, 2 an option or the table must be mended, 130 Ctrl-C
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    table_file(parser)
    _add_columns(parser.add_argument_group("what to learn").add_argument)
    _add_network(parser.add_argument_group("the network and its training").add_argument)
    add = parser.add_argument_group("files").add_argument
    help_text = "the model file (default: %(default)s)"
    default = Path("model.safetensors")
    add("--output", type=Path, default=default, metavar="FILE.safetensors", help=help_text)
    add("--plot", type=Path, metavar="FILE.png", help="also draw the learning curve")
    add_shared(parser)


def _add_columns(add: Add) -> None:
    """Declare the options about columns."""
    add("--target", nargs="+", metavar="NAME", help="the column to predict, or several")
    help_text = (
        "forecast: a number, --horizon steps after the window, from the past of the target and of "
        "the features; regression: a number from the features; classification: a class from the "
        "features (default: regression)"
    )
    add("--task", choices=TASKS, help=help_text)
    help_text = "columns to read (default: all but target, group and time; forecast: none)"
    add("--features", nargs="+", metavar="NAME", help=help_text)
    add("--group", metavar="NAME", help="the column that tells sequences apart")
    add("--time", metavar="NAME", help="the column of times, evenly spaced; gaps are allowed")
    add("--time-format", metavar="FORMAT", help='how times are written, such as "%%d.%%m.%%Y"')
    help_text = "steps to read before each answer (default: the whole of each group)"
    add("--window", type=at_least(1), metavar="N", help=help_text)
    help_text = "steps from the window's last to the target (default: 1 for forecast, else 0)"
    add("--horizon", type=at_least(0), metavar="N", help=help_text)
    help_text = "take every so manieth window of the training part (default: %(default)s)"
    add("--stride", type=at_least(1), default=1, metavar="N", help=help_text)
    help_text = (
        "empty cells among what is read: refuse them, or carry the latest value forward and tell "
        "the network which are old and how old (default: refuse)"
    )
    add("--missing", choices=MISSING, help=help_text)


def _add_network(add: Add) -> None:
    """Declare the options about network and training."""
    usual = Recipe()
    default = " (default: %(default)s)"
    # None means not given: --continue asks whether the file's network was given the same.
    help_text = f"kind of recurrent layer (default: {usual.cell})"
    add("--cell", choices=tuple(CELLS), help=help_text)
    help_text = f"per layer (default: {usual.units})"
    add("--units", type=at_least(1), metavar="N", help=help_text)
    help_text = f"recurrent layers (default: {usual.layers})"
    add("--layers", type=at_least(1), metavar="N", help=help_text)
    help_text = f"share of values dropped between layers (default: {usual.dropout})"
    add("--dropout", type=number(0, 1), metavar="SHARE", help=help_text)
    add("--epochs", type=at_least(1), default=usual.epochs, metavar="N", help=f"at most{default}")
    help_text = f"samples per step{default}"
    add("--batch-size", type=at_least(1), default=usual.batch_size, metavar="N", help=help_text)
    positive = number(1e-12, float("inf"))
    rate = usual.learning_rate
    add("--learning-rate", type=positive, default=rate, metavar="R", help=f"of Adam{default}")
    help_text = "share of the samples kept for validation, 0 for none" + default
    add("--validation", type=number(0, 1), default=0.2, metavar="SHARE", help=help_text)
    help_text = "validate on the latest targets, or on whole groups (default: time with --window)"
    add("--split", choices=("time", "group"), help=help_text)
    help_text = f"stop after so many epochs without a better validation loss, 0: never{default}"
    add("--patience", type=at_least(0), default=usual.patience, metavar="N", help=help_text)
    help_text = f"of weights, order of samples and choice of groups{default}"
    add("--seed", type=at_least(0), default=usual.seed, metavar="N", help=help_text)
    help_text = "go on from a model file; what to learn, and the network, are as there"
    add("--continue", dest="start", type=Path, metavar="FILE.safetensors", help=help_text)
