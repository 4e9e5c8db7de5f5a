"""Soak: a service-like load in one process for a given time, every result verified.

    PYTHONPATH=python python tests/soak.py --minutes 60 --threads 4      for docs/reliability.md
    PYTHONPATH=python python tests/soak.py --minutes 10 --threads 16
    PYTHONPATH=python python tests/soak.py --throughput --threads 16     both CPUs to itself

Threads draw inference, training, streams, `predict`, `fit` and files of varied cells, dtypes and
shapes (soak_items.py). The exit status is 1 if a promise is broken: a result differs by a bit from
that computed alone, resident memory is more than 1 % larger at the end (the middle of the last
quarter of the readings) than at the beginning (of the first quarter, after the warm-up), or the
process has more threads than each caller with a team.
"""

import argparse
import ctypes
import os
import sys

os.environ["NUMPY_MADVISE_HUGEPAGE"] = "0"  # at 2 MB a page memory is read too coarsely

from soak_items import make_items
from soak_load import Load, serial_digests
from soak_report import broken_promises, table
from soak_throughput import compare

M_ARENA_MAX = -8  # of glibc's malloc.h


def limit_arenas():
    """As MALLOC_ARENA_MAX=2: of one for each thread, every one must first hold the largest item."""
    if hasattr(ctypes.CDLL(None), "mallopt"):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def main(arguments=None):
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=4, help="callers at once")
    parser.add_argument("--readings", type=int, default=40, help="of memory, evenly spread")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--throughput", action="store_true", help="time arrangements of threads")
    options = parser.parse_args(arguments)
    items = make_items()
    if options.throughput:
        print("\n".join(compare(items, options.threads)))
        return 0
    limit_arenas()
    load = Load(items, serial_digests(items), options.threads, options.seed)
    load.run(60 * options.minutes, readings=options.readings)
    broken = broken_promises(load)
    print("\n".join([*table(load), *(f"BROKEN: {line}" for line in broken)]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
