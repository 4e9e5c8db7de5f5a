"""What the examples share: arguments, packages that may be missing, scores, the picture."""

import argparse
import sys

from tidegate._extras import require


def arguments(doc, *, epochs, **numbers):
    """Return epochs, other numbers and output, from the command line; `doc` is the docstring."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=epochs, help="of training; %(default)s")
    for name, number in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=number, help="%(default)s")
    parser.add_argument("--output", metavar="FILE", help="draw a picture into it")
    return parser.parse_args()


def package(module, extra="examples"):
    """Return an optional package, or end with the line that installs it."""
    try:
        return require(module, extra=extra, purpose=sys.argv[0])
    except ImportError as error:
        sys.exit(str(error))


def show_scores(unit, scores):
    """Print one line for each method: `method: unit value`."""
    for method, score in scores.items():
        print(f"{method}: {unit} {score:.4g}")


def axes(output, rows=1, columns=1, size=(7, 4), **options):
    """Return the axes of an empty picture, or None where no picture is wanted."""
    if output is None:
        return None
    figure = package("matplotlib.figure").Figure(figsize=size, layout="constrained")
    return figure.subplots(rows, columns, **options)


def save(figure, output):
    """Write the picture, small enough to be kept with the example."""
    figure.savefig(output, dpi=80)
    print(f"picture: {output}")
