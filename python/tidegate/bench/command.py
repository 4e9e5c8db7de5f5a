"""`tidegate bench`: measure tidegate beside the frameworks that are installed.

Every engine runs in a process of its own, with the same arrays and number of threads; its result
is compared with tidegate's before it is timed, and rounds are interleaved, so that a busy moment of
the machine meets all of them.
"""

import argparse
import sys
from pathlib import Path

from tidegate.bench import baseline, machine, picture, report, suites, table
from tidegate.bench.case import KINDS, PASSES, Case
from tidegate.bench.engines import OURS, PEERS, installed, missing, versions
from tidegate.bench.process import WorkerError
from tidegate.bench.progress import make as make_progress
from tidegate.bench.report import Report
from tidegate.bench.runner import Runner
from tidegate.forecast.errors import InputError
from tidegate.forecast.options import at_least
from tidegate.forecast.outputs import check_file, check_picture
from tidegate.runtime import MAX_THREADS, get_num_threads

FIRST_PROBE_SECONDS, PROBE_SECONDS = 0.2, 0.005


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    parser.epilog = (
        'Peers come with `pip install "tidegate[bench]"`, PyTorch apart: '
        f"`{PEERS['torch'].installation}`, so that no GPU libraries come along."
    )
    help_text = "quick: 4 shapes; standard: the project's goals; deepbench: its recurrent layers"
    add(
        "--suite",
        choices=suites.SUITES,
        default="quick",
        help=f"{help_text} (default: %(default)s)",
    )
    help_text = (
        "engines to compare with; none after --peers: tidegate alone (default: all installed)"
    )
    add(
        "--peers", nargs="*", choices=PEERS, metavar="PEER", help=f"{', '.join(PEERS)}: {help_text}"
    )
    help_text = "of every engine (default: as many as the process may use, here %(default)s)"
    add("--threads", type=at_least(1), default=get_num_threads(), metavar="N", help=help_text)
    help_text = f"only these: {', '.join(KINDS)} (default: all of the suite)"
    add("--cells", nargs="+", choices=KINDS, default=list(KINDS), metavar="CELL", help=help_text)
    help_text = "inference, training (forward and backward), or both (default)"
    add("--passes", nargs="+", choices=PASSES, default=list(PASSES), metavar="PASS", help=help_text)
    help_text = 'only cases whose label contains this, such as "(100, 16," or bidirectional'
    add("--only", default="", metavar="TEXT", help=help_text)
    help_text = "how often all engines take their turn (default: %(default)s)"
    add("--rounds", type=at_least(1), default=5, metavar="N", help=help_text)
    help_text = "per engine, case and round; at least one run is timed (default: %(default)s)"
    add("--seconds", type=_seconds, default=0.3, metavar="S", help=help_text)
    help_text = "an engine that does not answer for so many seconds is ended (default: %(default)s)"
    add("--timeout", type=_seconds, default=900.0, metavar="S", help=help_text)
    add("--output", type=Path, metavar="FILE.json", help="write everything that was measured")
    add("--picture", type=Path, metavar="FILE.png", help="draw rooflines and ratios")
    help_text = "the --output of an earlier run: show how many times quicker tidegate is now"
    add("--baseline", type=Path, metavar="FILE.json", help=help_text)
    add("--markdown", action="store_true", help="also print the table as Markdown")
    help_text = "measure nothing: show the --output of an earlier run"
    add("--show", type=Path, metavar="FILE.json", help=help_text)


def _seconds(text: str) -> float:
    """Convert a positive number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f'"{text}"; expected a number > 0')
    return value


def run(args: argparse.Namespace) -> int:
    """Run the command; 0, 1 if an engine failed or was wrong, 2 if an option must be mended."""
    try:
        if args.output is not None:
            check_file("--output", args.output)
        if args.picture is not None:
            check_picture("--picture", args.picture)
        before = None if args.baseline is None else report.load("--baseline", args.baseline)
        if args.show is not None:
            measured = report.load("--show", args.show)
            _print_rows(measured)
        else:
            measured = _measure(args)
        _finish(args, measured, before)
    except (InputError, WorkerError) as error:
        print(f"tidegate bench: error: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    return int(any(table.faults(row) for row in measured.rows))


def _peers(asked: list[str] | None) -> list[str]:
    """Return the peers to measure; one that was asked for and is missing is an error."""
    if asked is None:
        return installed()
    for peer in asked:
        absent = missing(peer)
        if absent:
            raise InputError(
                f"--peers {peer}: {' and '.join(absent)} not installed; "
                f"run: {PEERS[peer].installation}"
            )
    return list(dict.fromkeys(asked))


def _measure(args: argparse.Namespace) -> Report:
    """Run the cases and print their rows."""
    peers = _peers(args.peers)
    if args.threads > MAX_THREADS:
        raise InputError(f"--threads {args.threads}: expected at most {MAX_THREADS}.")
    cases = suites.select(args.suite, args.passes, args.cells, args.only)
    if not cases:
        raise InputError(
            f'--suite {args.suite}: no case has these --cells and a label with "{args.only}".'
        )
    levels = machine.caches()
    most_bytes = machine.largest_working_set(levels, args.threads)
    runner = Runner(
        peers, args.threads, args.rounds, args.seconds, PROBE_SECONDS, most_bytes, args.timeout
    )
    with runner:
        silicon = runner.probe(FIRST_PROBE_SECONDS)
        levels = levels or machine.caches_from_curve(silicon.read, args.threads)
        measured = Report(
            machine=machine.describe(),
            caches=[
                {"name": level.name, "bytes_per_thread": level.per_thread(args.threads)}
                for level in levels
            ],
            versions={engine: versions(engine) for engine in (OURS, *peers)},
            threads=args.threads,
            options={name: getattr(args, name) for name in ("suite", "rounds", "seconds")},
            silicon=silicon,
            rows=[],
        )
        _print_head(measured, cases)
        return _run_cases(runner, measured, cases)


def _run_cases(runner: Runner, measured: Report, cases: list[Case]) -> Report:
    """Run the cases one by one; what the silicon gave is the best of all rounds."""
    text = table.TextTable([case.label for case in cases], measured.peers)
    progress = make_progress(len(cases))
    try:
        for case in cases:
            progress.begin(case.label)
            measured = measured.with_row(runner.run(case))
            row = measured.rows[-1]
            progress.print(text.row(measured, row))
            for fault in table.faults(row):
                progress.print(f"WARNING: {fault}", error=True)
            progress.done()
    finally:
        progress.close()
    return measured


def _print_head(measured: Report, cases: list[Case]) -> None:
    """Print what is measured on what, and the first line of the table."""
    info, ours = measured.machine, measured.machine["tidegate"]
    print(
        f"{info['cpu']}, {info['cpus']} CPUs, {measured.threads} threads, "
        f"ISA level {ours['isa']}, {info['os']}"
    )
    packages = [f"{e} {packages[e]}" for e, packages in measured.versions.items()]
    print(f"{', '.join(packages)}\n{table.CAPTION}\n", flush=True)
    text = table.TextTable([case.label for case in cases], measured.peers)
    print(text.header(), flush=True)


def _print_rows(measured: Report) -> None:
    """Print the whole table of a report."""
    cases = [row.case for row in measured.rows]
    _print_head(measured, cases)
    text = table.TextTable([case.label for case in cases], measured.peers)
    for row in measured.rows:
        print(text.row(measured, row))
        for fault in table.faults(row):
            print(f"WARNING: {fault}", file=sys.stderr)


def _finish(args: argparse.Namespace, measured: Report, before: Report | None) -> None:
    """Print the summary and write the files."""
    print(f"\n{table.summary_text(measured)}")
    if before is not None:
        print(f"\n{table.comparison_text(baseline.compare(measured, before))}")
    if args.markdown:
        print(f"\n{table.markdown(measured)}")
    if args.output is not None:
        try:
            args.output.write_text(report.to_json(measured), encoding="utf-8")
        except OSError as error:
            raise InputError(f"--output {args.output}: {error.strerror}.") from None
        print(f"report: {args.output}")
    if args.picture is not None:
        picture.save(measured, args.picture)
        print(f"picture: {args.picture}")
