"""`tidegate demo`: learn the CO2 record of Mauna Loa, forecast a year ahead, score, draw, save.

Trained on 1958-1996. Held out: 1997-2001, forecast from each of its weeks, 52 weeks ahead.
"""

import argparse
import csv
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tidegate._extras import require
from tidegate.demo.co2 import UNIT, WEEKS_PER_YEAR, load_co2
from tidegate.forecast import evaluate
from tidegate.forecast.command import describe
from tidegate.forecast.errors import InputError
from tidegate.forecast.forecaster import CELLS, Forecaster, Recipe, past_for, train
from tidegate.forecast.options import at_least
from tidegate.forecast.outputs import make_folder
from tidegate.forecast.picture import Picture
from tidegate.forecast.series import Series
from tidegate.forecast.windows import Windows

HORIZON = WEEKS_PER_YEAR
HELD_OUT = 5 * WEEKS_PER_YEAR
QUICK_HELD_OUT = 2 * WEEKS_PER_YEAR
QUICK = Recipe(units=16, steps=60)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        "examples: `tidegate demo`, some seconds to a minute; `tidegate demo --quick`, "
        "a check of the installation."
    )
    add = parser.add_argument
    help_text = "folder for table, picture and networks (default: ./%(default)s)"
    add("--output", type=Path, default="tidegate-demo", metavar="FOLDER", help=help_text)
    help_text = "of weights and order of windows (default: %(default)s)"
    add("--seed", type=at_least(0), default=0, metavar="N", help=help_text)
    help_text = "smaller networks, fewer steps, two years held out: a check of the installation"
    add("--quick", action="store_true", help=help_text)


def run(args: argparse.Namespace) -> int:
    """Run the command; 0, or 2 with one line on stderr if the folder cannot be written."""
    started = time.perf_counter()
    for package in ("pandas", "statsmodels", "tqdm", "matplotlib", "safetensors"):
        require(package, extra="demo", purpose="the demo")
    try:
        make_folder("--output", args.output)
        _demo(args)
    except InputError as error:
        print(f"tidegate demo: error: {error}", file=sys.stderr)
        return 2
    print(f"done in {time.perf_counter() - started:.1f} s")
    return 0


def _demo(args: argparse.Namespace) -> None:
    """Train and evaluate both networks, then write everything."""
    series = load_co2()
    recipe = replace(QUICK if args.quick else Recipe(), seed=args.seed)
    start = len(series) - (QUICK_HELD_OUT if args.quick else HELD_OUT)
    held_out = evaluate.HeldOut.of(series, start, HORIZON)
    windows = Windows(past_for(series.season), HORIZON)
    print(f"CO2 at Mauna Loa, weekly means\n{describe(series, held_out)}")
    networks: dict[str, Forecaster] = {}
    for cell in CELLS:
        print(f"training the {cell.upper()}", flush=True)
        networks[cell.upper()] = train(
            series, start, windows, replace(recipe, cell=cell), verbose=1
        )
    scores, rolled = evaluate.evaluate(series, held_out, windows, networks, verbose=1)
    print(f"\n{evaluate.table(scores, UNIT)}\n")
    for name, network in networks.items():
        network.save(args.output / f"{name.lower()}.safetensors")
    _write_scores(scores, args.output / "scores.csv")
    _write_forecasts(series, held_out, rolled, args.output / "forecasts.csv")
    Picture(
        series,
        held_out,
        rolled,
        tuple(networks),
        "Weekly CO2 at Mauna Loa: 52 weeks ahead, networks trained before the shaded part",
        UNIT,
    ).save(args.output / "forecast.png")
    files = ", ".join(sorted(path.name for path in args.output.iterdir()))
    print(f"written to {args.output.resolve()}: {files}")


def _write_scores(scores: list[evaluate.Score], path: Path) -> None:
    """Write the table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "rmse", "mae"])
        writer.writerows([score.method, score.rmse, score.mae] for score in scores)


def _write_forecasts(
    series: Series, held_out: evaluate.HeldOut, rolled: dict[str, np.ndarray], path: Path
) -> None:
    """Write the last held-out forecast of every method beside the truth."""
    origin = int(held_out.origins[-1])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["week", "truth", *rolled])
        for lead in range(HORIZON):
            truth = held_out.truth[-1, lead]
            forecasts = [f"{forecast[-1, lead]:.3f}" for forecast in rolled.values()]
            label = series.axis.label(origin + 1 + lead)
            writer.writerow([label, "" if np.isnan(truth) else truth, *forecasts])
