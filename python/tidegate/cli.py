"""The command `tidegate`; the module of a subcommand is imported only when it is asked for."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from tidegate._version import __version__

# name -> (module with add_arguments(parser) and run(args) -> int, one line of help)
COMMANDS = {
    "info": (
        "tidegate._info_command",
        "describe this installation (ISA level, threads, versions) or a model file",
    ),
    "selftest": (
        "tidegate.selftest.command",
        "compare the engine with the float64 reference on this machine",
    ),
    "demo": ("tidegate.demo.command", "learn the CO2 record of Mauna Loa with an LSTM and a GRU"),
    "forecast": ("tidegate.forecast.command", "forecast a column of your own CSV or Parquet file"),
    "train": ("tidegate.tabular.train_command", "train a network on a table, CSV or Parquet"),
    "predict": ("tidegate.tabular.predict_command", "apply a network of `train` to a table"),
    "convert": ("tidegate._convert_command", "convert model files: tidegate, ONNX, Keras"),
    "bench": ("tidegate.bench.command", "measure speed beside the frameworks that are installed"),
}


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    """Build the parser; only the chosen subcommand gets its arguments."""
    parser = argparse.ArgumentParser(
        prog="tidegate",
        description="Gated recurrent networks on the CPU.",
        epilog="`tidegate COMMAND --help` tells more, with examples. Exit status: 0 done, "
        "1 failed, 2 an option or a file must be mended, 130 Ctrl-C.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tidegate {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        description = f"{summary[0].upper()}{summary[1:]}."
        subparser = subparsers.add_parser(name, help=summary, description=description)
        if name == chosen:
            import_module(module).add_arguments(subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status (0 success, 1 failure, 2 wrong usage)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        _parser(None).print_help(sys.stderr)
        return 2
    chosen = arguments[0] if arguments[0] in COMMANDS else None
    args = _parser(chosen).parse_args(arguments)
    try:
        status: int = import_module(COMMANDS[args.command][0]).run(args)
        sys.stdout.flush()
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] == "tidegate":
            raise
        print(f"tidegate {args.command}: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"tidegate {args.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status
