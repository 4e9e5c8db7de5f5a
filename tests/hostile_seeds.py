"""One trial for each of many seeds, in a process that may crash or hang: what came of them."""

import faulthandler
import sys
import traceback
from collections import Counter
from pathlib import Path

LONGEST = 20  # seconds of one trial, after which the fault handler shows where it hangs


def run_seeds(first, count, trial, *, noun, now=None, label=str):
    """Print how often trial(seed) returned what; return the exit status, 1 if any raised.

    Parameters
    ----------
    noun : str
        What the trials are called in the last line.
    now : path, optional
        A file for the present seed, which tells it of a crash.
    label : callable
        What a failure says of its seed.
    """
    faulthandler.enable()
    outcomes, failures = Counter(), 0
    for seed in range(first, first + count):
        if now:
            Path(now).write_text(str(seed), "ascii")
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        try:
            outcomes[trial(seed)] += 1
        except Exception:
            failures += 1
            print(f"seed {label(seed)}: {traceback.format_exc(limit=-4)}", file=sys.stderr)
        faulthandler.cancel_dump_traceback_later()
    for (name, outcome), number in sorted(outcomes.items()):
        print(name, outcome, number)
    print(noun, count, "failures", failures)
    return 1 if failures else 0
