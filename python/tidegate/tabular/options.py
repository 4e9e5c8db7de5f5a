"""Options that `train` and `predict` share."""

import argparse
import sys
from pathlib import Path

from tidegate.forecast.options import at_least
from tidegate.runtime import MAX_THREADS, set_num_threads


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    add = parser.add_argument
    add("--encoding", default="utf-8", metavar="NAME", help="of a CSV file (default: %(default)s)")
    help_text = "most threads to use (default: as many as the process may)"
    add("--threads", type=_threads, metavar="N", help=help_text)
    add("--force", action="store_true", help="replace files that are there already")


def use_threads(args: argparse.Namespace) -> None:
    """Do as --threads says."""
    if args.threads is not None:
        set_num_threads(args.threads)


def complain(command: str, error: Exception) -> None:
    """Print the one line of an error."""
    print(f"tidegate {command}: error: {error}", file=sys.stderr)


def table_file(parser: argparse.ArgumentParser) -> None:
    """Declare the table."""
    help_text = "one row per time step: CSV, whose first row names the columns, or .parquet"
    parser.add_argument("file", type=Path, metavar="TABLE", help=help_text)


def _threads(text: str) -> int:
    count = at_least(1)(text)
    if count > MAX_THREADS:
        raise argparse.ArgumentTypeError(f'"{text}"; expected at most {MAX_THREADS}')
    return count
