"""`tidegate bench`: measure tidegate beside the frameworks that are installed.

Every engine runs in a process of its own, with the same arrays and number of threads; its result
is compared with tidegate's before it is timed, and rounds are interleaved, so that a busy moment of
the machine meets all of them.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from tidegate.bench import (
    baseline,
    options,
    options_table,
    picture,
    recompute,
    report,
    scaling_picture,
    schedules,
    session,
    suites,
    table,
)
from tidegate.bench.case import KINDS, PASSES
from tidegate.bench.engines import PEERS, installed, missing
from tidegate.bench.process import WorkerError
from tidegate.bench.report import Report
from tidegate.forecast.errors import InputError
from tidegate.forecast.options import at_least
from tidegate.forecast.outputs import check_file, check_picture
from tidegate.runtime import MAX_THREADS, get_num_threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    parser.epilog = (
        "examples: `tidegate bench`; `tidegate bench --suite standard --threads 2 --peers torch "
        "--picture bench.png`; `tidegate bench --only '(100, 16,' --rounds 2`. "
        'Peers come with `pip install "tidegate[bench]"`, PyTorch apart, so that no GPU '
        f"libraries come along: {PEERS['torch'].installation}."
    )
    help_text = (
        "quick: 4 shapes; standard: the project's goals; deepbench: its recurrent layers; "
        "scaling: T, B, I, H and layers grow one by one; options: each option of a layer beside "
        "the plain one, tidegate alone; recompute: memory and time of training by recompute_every"
    )
    add(
        "--suite",
        choices=[*suites.SUITES, "options", "recompute"],
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
    add("--timeout", type=_seconds, default=900, metavar="S", help=help_text)
    add("--output", type=Path, metavar="FILE.json", help="write everything that was measured")
    help_text = "draw rooflines and ratios; of the suite scaling, costs per step and sequence"
    add("--picture", type=Path, metavar="FILE.png", help=help_text)
    help_text = (
        "the --output of an earlier run, say before a change or with other --threads: show how "
        "many times quicker tidegate is now"
    )
    add("--baseline", type=Path, metavar="FILE.json", help=help_text)
    help_text = "measure peak memory instead of time, at (T, B, I, H) = (200, 64, 256, 512); Linux"
    instead = parser.add_mutually_exclusive_group().add_argument
    instead("--memory", action="store_true", help=help_text)
    help_text = "time the engine's schedules instead: choice and alternatives at shapes of standard"
    instead("--schedules", action="store_true", help=help_text)
    add("--markdown", action="store_true", help="also print the table as Markdown")
    help_text = "measure nothing: show the --output of an earlier run"
    instead("--show", type=Path, metavar="FILE.json", help=help_text)


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
    """Run the command.

    Returns
    -------
    int
        0; 1 if an engine failed or was wrong, 2 if an option must be mended, 130 after Ctrl-C.
    """
    try:
        if args.output is not None:
            check_file("--output", args.output)
        if args.picture is not None:
            check_picture("--picture", args.picture)
        if args.schedules:
            return _schedules(args)
        if args.suite == "options" and args.show is None and not args.memory:
            return _options(args)
        if args.suite == "recompute" and args.show is None and not args.memory:
            return _recompute(args)
        before = None if args.baseline is None else report.load("--baseline", args.baseline)
        measured = _measure(args) if args.show is None else report.load("--show", args.show)
        if args.show is not None:
            session.print_report(measured)
        _finish(args, measured, before)
    except (InputError, WorkerError) as error:
        print(f"tidegate bench: error: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    if measured.options.get("interrupted") and args.show is None:
        return 130
    return int(any(table.faults(row) for row in measured.rows))


def _measure(args: argparse.Namespace) -> Report:
    """Check the options and run what they ask for."""
    peers = _peers(args.peers)
    threads = _threads(args)
    if args.memory:
        return session.measure_memory(peers, threads, args.timeout)
    cases = suites.select(args.suite, args.passes, args.cells, args.only)
    if not cases:
        raise InputError(
            f'--suite {args.suite}: no case has these --cells and a label with "{args.only}".'
        )
    chosen = {name: getattr(args, name) for name in ("suite", "rounds", "seconds")}
    return session.measure(cases, peers, threads, args.timeout, chosen)


def _schedules(args: argparse.Namespace) -> int:
    """Time schedules and write their file, which is not a report."""
    cases = schedules.cases(args.cells, args.only)
    if not cases:
        raise InputError(f'--schedules: no case has these --cells and a label with "{args.only}".')
    measured = session.measure_schedules(cases, _threads(args), args.rounds, args.seconds)
    if args.output is not None:
        schedules.save(measured, args.output)
        print(f"schedules: {args.output}")
    return 0


def _options(args: argparse.Namespace) -> int:
    """Time options of layers and write their file, which is not a report."""
    chosen = list(options.cases(args.passes, args.cells, args.only))
    if not chosen:
        raise InputError(f'--suite options: nothing has these --cells and "{args.only}".')
    threads = _threads(args)
    measured, silicon = session.measure_options(chosen, threads, args.rounds, args.seconds)
    if args.markdown:
        print(f"\n{options_table.markdown(measured, silicon, threads)}")
    if args.output is not None:
        args.output.write_text(options_table.to_json(measured, silicon, threads), encoding="utf-8")
        print(f"options: {args.output}")
    return 0


def _recompute(args: argparse.Namespace) -> int:
    """Measure recomputation and write its files; the file is not a report."""
    print(f"LSTM {recompute.SHAPE}, float32, one thread, best of {args.rounds} rounds\n")
    show = partial(print, flush=True)
    points = recompute.measure(recompute.SHAPE, recompute.STEPS, args.rounds, show)
    if args.output is not None:
        args.output.write_text(recompute.to_json(recompute.SHAPE, points), encoding="utf-8")
        print(f"recompute: {args.output}")
    if args.picture is not None:
        recompute.save_picture(recompute.SHAPE, points, args.picture)
        print(f"picture: {args.picture}")
    return 0


def _threads(args: argparse.Namespace) -> int:
    """Return --threads if the engine takes so many."""
    if args.threads > MAX_THREADS:
        raise InputError(f"--threads {args.threads}: expected at most {MAX_THREADS}.")
    threads: int = args.threads
    return threads


def _peers(asked: list[str] | None) -> list[str]:
    """Return the peers to measure; one that was asked for and is missing is an error."""
    if asked is None:
        return installed()
    for peer in asked:
        absent = missing(peer)
        if absent:
            raise InputError(
                f"--peers {peer}: {' and '.join(absent)} not installed; "
                f"install it: {PEERS[peer].installation}"
            )
    return list(dict.fromkeys(asked))


def _finish(args: argparse.Namespace, measured: Report, before: Report | None) -> None:
    """Print what the run comes to and write the files."""
    if measured.rows:
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
        if not any(row.timing() for row in measured.rows):
            raise InputError(f"--picture {args.picture}: nothing was timed.")
        if measured.options.get("suite") == "scaling":
            scaling_picture.save(measured, args.picture, before)
        else:
            picture.save(measured, args.picture)
        print(f"picture: {args.picture}")
