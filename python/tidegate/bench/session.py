"""One run of the benchmark: the machine, the cases one by one, and what is printed on the way."""

import sys
from dataclasses import asdict
from typing import Any

from tidegate.bench import machine, memory, options_table, schedule_table, schedules, table
from tidegate.bench import options as layer_options
from tidegate.bench.case import Case
from tidegate.bench.engines import OURS, versions
from tidegate.bench.probes import Silicon, probe
from tidegate.bench.progress import make as make_progress
from tidegate.bench.report import Report
from tidegate.bench.runner import Runner
from tidegate.bench.schedules import Trials
from tidegate.runtime import set_num_threads

FIRST_PROBE_SECONDS, PROBE_SECONDS = 0.2, 0.005
OPTIONS_PROBE_SECONDS, OPTIONS_MOST_BYTES = 0.05, 1 << 23


def measure(
    cases: list[Case], peers: list[str], threads: int, timeout: float, options: dict[str, Any]
) -> Report:
    """Check and time cases, printing each row when it is there.

    Parameters
    ----------
    cases : list of Case
    peers : list of str
    threads : int
    timeout : float
        See `tidegate.bench.process.Worker`.
    options : dict
        "rounds", "seconds" (per engine, case and round), and what else the report shall say.
    """
    most_bytes = machine.largest_working_set(machine.caches(), threads)
    runner = Runner(
        peers, threads, options["rounds"], options["seconds"], PROBE_SECONDS, most_bytes, timeout
    )
    with runner:
        measured = _empty(peers, threads, options, runner.probe(FIRST_PROBE_SECONDS))
        print(head(measured))
        text = table.TextTable(cases, peers)
        print(f"{table.CAPTION}\n\n{text.header()}", flush=True)
        progress = make_progress(len(cases))
        try:
            for case in cases:
                progress.begin(case.label)
                measured = measured.with_row(runner.run(case))
                progress.print(text.row(measured, measured.rows[-1]))
                for fault in table.faults(measured.rows[-1]):
                    progress.print(f"WARNING: {fault}", error=True)
                progress.done()
        except KeyboardInterrupt:
            measured.options["interrupted"] = True
            progress.print("interrupted: the report has the cases above", error=True)
        finally:
            progress.close()
    return measured


def measure_memory(peers: list[str], threads: int, timeout: float) -> Report:
    """Measure peak memory and print it."""
    progress = make_progress(len(memory.CASES))
    rows = []
    try:
        for case in memory.CASES:
            progress.begin(case.label)
            rows.append(memory.measure(case, peers, threads, timeout))
            progress.done()
    finally:
        progress.close()
    measured = _empty(peers, threads, {"suite": "memory"}, Silicon({}, {}), rows)
    print_report(measured)
    return measured


def measure_schedules(cases: list[Case], threads: int, rounds: int, seconds: float) -> Trials:
    """Time the alternatives of the engine's schedules, printing each case when it is there."""
    whole = Trials(machine.describe(), threads, rounds, seconds, [])
    info = whole.machine
    print(f"{info['cpu']}, {threads} threads, ISA level {info['tidegate']['isa']}")
    print(f"{schedule_table.CAPTION}\n\n{schedule_table.header()}", flush=True)
    progress = make_progress(len(cases))
    try:
        for case in cases:
            progress.begin(case.label)
            measured = schedules.measure(case, threads, rounds, seconds)
            whole.trials.extend(measured)
            for line in schedule_table.table(measured):
                progress.print(line)
            progress.done()
    finally:
        progress.close()
    return whole


def measure_options(
    chosen: list[tuple[Case, layer_options.Option]], threads: int, rounds: int, seconds: float
) -> tuple[list[layer_options.Measured], Silicon]:
    """Time options of layers beside the plain layer, printing each; return them and the peaks."""
    set_num_threads(threads)
    info = machine.describe()
    print(f"{info['cpu']}, {threads} threads, ISA level {info['tidegate']['isa']}")
    print(f"best of {rounds} rounds of {seconds} s\n\n{options_table.header()}", flush=True)
    silicon = probe(OPTIONS_PROBE_SECONDS, OPTIONS_MOST_BYTES, threads)
    progress = make_progress(len(chosen))
    measured = []
    try:
        for case, option in chosen:
            progress.begin(f"{case.label} {option.name}")
            measured.append(layer_options.measure(case, option, rounds, seconds))
            progress.print(options_table.line(measured[-1], silicon, threads))
            progress.done()
    finally:
        progress.close()
    return measured, silicon


def _empty(
    peers: list[str],
    threads: int,
    options: dict[str, Any],
    silicon: Silicon,
    rows: list[memory.MemoryRow] | None = None,
) -> Report:
    """Return a report without times."""
    levels = machine.caches() or machine.caches_from_curve(silicon.read, threads)
    return Report(
        machine=machine.describe(),
        caches=[asdict(c) | {"bytes_per_thread": c.per_thread(threads)} for c in levels],
        versions={engine: versions(engine) for engine in (OURS, *peers)},
        threads=threads,
        options=options,
        silicon=silicon,
        memory=rows or [],
    )


def head(measured: Report) -> str:
    """Return what is measured on what."""
    info = measured.machine
    packages = [f"{engine} {packages[engine]}" for engine, packages in measured.versions.items()]
    return (
        f"{info['cpu']}, {info['cpus']} CPUs, {measured.threads} threads, "
        f"ISA level {info['tidegate']['isa']}, {info['os']}\n{', '.join(packages)}"
    )


def print_report(measured: Report) -> None:
    """Print all tables of a report."""
    print(head(measured))
    if measured.rows:
        text = table.TextTable([row.case for row in measured.rows], measured.peers)
        print(f"{table.CAPTION}\n\n{text.header()}")
    for row in measured.rows:
        print(text.row(measured, row))
        for fault in table.faults(row):
            print(f"WARNING: {fault}", file=sys.stderr)
    if measured.memory:
        print(memory.table(measured.memory))
