"""`tidegate selftest`: whether the engine computes the right numbers on this machine."""

import argparse
import sys
import time

from tidegate import _loader
from tidegate.selftest.compare import Check
from tidegate.selftest.levels import SelfTestResult
from tidegate.selftest.levels import run as run_levels

EPILOG = """\
examples:
  tidegate selftest                 every ISA level that this CPU runs
  tidegate selftest --level v3      this level only; may be repeated
  tidegate selftest --verbose       a line for each cell

An error is that of the element that comes nearest to what is allowed there; with a tolerance of 0
it is how many elements have other bits than they should.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--level",
        action="append",
        metavar="LEVEL",
        help=f"one of {', '.join(_loader.available)} (default: all of these)",
    )
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--verbose", action="store_true", help="a line for each cell")
    amount.add_argument("--quiet", action="store_true", help="failures and the summary only")


def run(args: argparse.Namespace) -> int:
    """Print what was found; 0 if all is well, 1 if not, 2 for a level that is not there."""
    wanted = _loader.available if args.level is None else tuple(dict.fromkeys(args.level))
    missing = [level for level in wanted if level not in _loader.available]
    if missing:
        print(
            f"tidegate selftest: error: --level {missing[0]}: not available here; expected one of "
            f"{', '.join(_loader.available)}",
            file=sys.stderr,
        )
        return 2
    start = time.monotonic()
    results = []
    for level in wanted:
        result = run_levels([level])
        results.append(result)
        _print_level(level, result, args.verbose, args.quiet)
        sys.stdout.flush()
    if not args.quiet and args.level is None:
        for level in _loader.built:
            if level not in _loader.available:
                print(f"{level}: skipped, this CPU does not run it")
    passed = all(result.passed for result in results)
    count = sum(len(result.checks) for result in results)
    failed = sum(len(result.failures) for result in results)
    print(
        f"selftest {'passed' if passed else 'FAILED'}: {count} checks at {', '.join(wanted)}, "
        f"{failed} failed, {time.monotonic() - start:.1f} s"
    )
    return 0 if passed else 1


def _print_level(level: str, result: SelfTestResult, verbose: bool, quiet: bool) -> None:
    """Print a line for each topic and dtype, or each cell, and one for every failure."""
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in result.checks:
        groups.setdefault((check.topic, check.dtype), []).append(check)
    for group in groups.values():
        worst = max(group, key=lambda check: check.share)
        shown = group if verbose else [worst]
        shown += [check for check in group if not check.passed and check not in shown]
        for check in shown:
            if not (quiet and check.passed):
                print(_line(check, 1 if verbose else len(group)))
    if level in result.broken:
        print(f"{level}: FAILED, the process {result.broken[level]}")


def _line(check: Check, cells: int) -> str:
    T, B, I, H = check.shape  # noqa: E741 - the letters of docs/notation.md
    of = f"worst of {cells} cells: " if cells > 1 else ""
    return (
        f"{check.level} {check.topic:<26} {check.dtype} {'ok    ' if check.passed else 'FAILED'}  "
        f"error {check.error:<8.2g} tolerance {check.tolerance:<8.2g} "
        f"{of}{check.cell}, T={T} B={B} I={I} H={H}"
    )
