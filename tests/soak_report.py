"""What a load showed: its table, and the promises that it saw broken."""

import statistics

import tidegate as tg

FLAT = 1.01  # of resident memory after the warm-up


def memory_levels(load):
    """Return the resident memory at the beginning and at the end."""
    quarter = -(-len(load.resident) // 4)
    return statistics.median(load.resident[:quarter]), statistics.median(load.resident[-quarter:])


def broken_promises(load, flat=FLAT):
    """Return one line for each promise that the load saw broken."""
    first, last = memory_levels(load)
    bound = load.before + load.callers * tg.get_num_threads()
    broken = [f"{len(load.wrong)} wrong results, the first: {load.wrong[0]}"] if load.wrong else []
    if last > flat * first:
        broken.append(f"resident memory grew from {first / 1e6:.1f} to {last / 1e6:.1f} MB")
    if load.most_threads > bound:
        broken.append(f"{load.most_threads} threads of the system; expected at most {bound}")
    return broken


def table(load):
    """Return the lines of a load: latencies by kind, memory, threads, wrong results."""
    lines = [
        "| kind | items | p50, ms | p99, ms | p99.9, ms | most, ms |",
        "|---|---|---|---|---|---|",
    ]
    for kind, some in sorted(load.latencies().items()):
        times = [*(some.percentile(q) for q in (0.5, 0.99, 0.999)), some.most]
        numbers = " | ".join(f"{1e3 * seconds:.3g}" for seconds in times)
        lines.append(f"| {kind} | {some.total} | {numbers} |")
    first, last = memory_levels(load)
    megabytes = ", ".join(f"{size / 1e6:.1f}" for size in (first, last, max(load.resident)))
    return [
        *lines,
        f"resident memory, first, last and most: {megabytes} MB ({last / first - 1:+.2%})",
        f"threads: {load.callers} callers, {tg.get_num_threads()} for each call; at most "
        f"{load.most_threads} of the system, {load.before} before",
        f"wrong results: {len(load.wrong)}",
    ]
