"""`tidegate forecast`: forecast a column of the user's own CSV file.

Trains on the first five sixths, scores rolling forecasts over the held-out rest beside the
baselines, then trains anew on everything and forecasts beyond the end.
"""

import argparse
import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tidegate._extras import require
from tidegate.forecast import evaluate
from tidegate.forecast.errors import InputError
from tidegate.forecast.forecaster import CELLS, Recipe, past_for, train
from tidegate.forecast.load import held_out_start, load_series
from tidegate.forecast.options import at_least
from tidegate.forecast.outputs import (
    check_model_file,
    check_new,
    check_picture,
    csv_bytes,
    write_output,
)
from tidegate.forecast.picture import Picture
from tidegate.forecast.series import Series
from tidegate.forecast.windows import Windows

ADVICE = "prefer that for this series, or try another --cell, --season or --epochs"

EPILOG = """\
examples:
  tidegate forecast sales.csv --column sold --time day --horizon 28 --plot sales.png
  tidegate forecast load.parquet --column load --horizon 24 --save-model l.safetensors

The last sixth is held out and forecast from every step in it, beside baselines that need no
training; then a network trained on everything forecasts beyond the end.

exit status: 0 done, 1 failed, 2 an option or the table must be mended, 130 Ctrl-C
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add(
        "file",
        type=Path,
        metavar="FILE",
        help="CSV, whose first row names the columns, or .parquet",
    )
    add("--column", required=True, metavar="NAME", help="the column to forecast")
    add("--time", metavar="NAME", help="the column of times, evenly spaced; gaps are allowed")
    add("--horizon", required=True, type=at_least(1), metavar="N", help="how many steps ahead")
    help_text = "where to write the forecast (default: %(default)s)"
    add("--output", type=Path, default="forecast.csv", metavar="FILE.csv", help=help_text)
    add("--plot", type=Path, metavar="FILE.png", help="also draw history, forecasts and errors")
    help_text = "also save the network, with windows and scales: see docs/forecasting.md"
    add("--save-model", type=Path, metavar="FILE.safetensors", help=help_text)
    add("--cell", choices=CELLS, default="gru", help="kind of network (default: %(default)s)")
    help_text = "steps in one season, 1 for none (default: found in the series)"
    add("--season", type=at_least(1), metavar="N", help=help_text)
    add("--epochs", type=at_least(1), metavar="N", help="default: about 300 steps of Adam")
    add("--seed", type=at_least(0), default=0, metavar="N", help="default: %(default)s")
    add("--time-format", metavar="FORMAT", help='how times are written, such as "%%d.%%m.%%Y"')
    add("--encoding", default="utf-8", metavar="NAME", help="of the file (default: %(default)s)")
    add("--force", action="store_true", help="replace files that are there already")


def run(args: argparse.Namespace) -> int:
    """Run the command; 0, or 2 with one line on stderr if the input must be mended."""
    try:
        _check_outputs(args)
        series = load_series(
            args.file,
            args.column,
            args.time,
            horizon=args.horizon,
            season=args.season,
            time_format=args.time_format,
            encoding=args.encoding,
        )
        _forecast(series, args)
    except InputError as error:
        print(f"tidegate forecast: error: {error}", file=sys.stderr)
        return 2
    return 0


def progress() -> int:
    """Return verbose=1 where tqdm can draw bars, else 0."""
    return int(importlib.util.find_spec("tqdm") is not None)


def _check_outputs(args: argparse.Namespace) -> None:
    """Refuse a path that cannot be written and an extra that is missing, before any work."""
    check_new("--output", args.output, args.file, force=args.force)
    if args.plot is not None:
        check_picture("--plot", args.plot, args.file)
        check_new("--plot", args.plot, args.file, force=args.force)
    if args.save_model is not None:
        check_new("--save-model", args.save_model, args.file, force=args.force)
        check_model_file("--save-model", args.save_model)
        require("safetensors", extra="io", purpose="--save-model")


def _forecast(series: Series, args: argparse.Namespace) -> None:
    """Evaluate, train on everything, forecast, write."""
    windows = Windows(past_for(series.season), args.horizon)
    recipe = Recipe(cell=args.cell, epochs=args.epochs, seed=args.seed)
    held_out = evaluate.HeldOut.of(series, held_out_start(len(series), args.horizon), args.horizon)
    name = args.cell.upper()
    print(describe(series, held_out))
    network = train(series, held_out.start, windows, recipe, verbose=progress())
    scores, rolled = evaluate.evaluate(series, held_out, windows, {name: network})
    print(f"\n{evaluate.table(scores)}\n{evaluate.verdict(scores, ADVICE)}\n")
    final = train(series, len(series), windows, recipe, verbose=progress())
    future = final.predict(series, np.array([len(series) - 1]))[0]
    _write(series, future, args)
    if args.save_model is not None:
        final.save(args.save_model)
        print(f"network: {args.save_model}")
    if args.plot is not None:
        title = f"{series.name}: {args.horizon} steps ahead by {name}"
        Picture(series, held_out, rolled, (name,), title, series.name, future).save(args.plot)
        print(f"picture: {args.plot}")


def describe(series: Series, held_out: evaluate.HeldOut) -> str:
    """Tell what was read and how it is split."""
    label, n, start = series.axis.label, len(series), held_out.start
    season = f"season {series.season}" if series.season > 1 else "no season"
    return (
        f"{series.name}: {n} steps from {label(0)} to {label(n - 1)}, "
        f"{int(series.missing.sum())} missing, {season}\n"
        f"held out: {n - start} steps from {label(start)}, "
        f"forecast from {len(held_out.origins)} origins, "
        f"{held_out.truth.shape[1]} steps ahead each"
    )


def _write(series: Series, future: npt.NDArray[np.float64], args: argparse.Namespace) -> None:
    """Write the forecast as CSV, one row per step, to a hundred-thousandth of the series' range."""
    known = series.values[~series.missing]
    digits = 6 + math.ceil(math.log10(max(np.abs(known).max() / np.ptp(known), 1)))
    rows = [
        [series.axis.label(len(series) + lead), f"{value:.{digits}g}"]
        for lead, value in enumerate(future)
    ]
    content = csv_bytes([[args.time or "row", series.name], *rows])
    write_output("--output", args.output, content, "the forecast")
    print(f"forecast: {args.output}")
