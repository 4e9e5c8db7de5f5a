"""Random calls of the public API: each gives the reference's answer or names the bad argument.

    PYTHONPATH=python python tests/hostile_calls.py 0 500

Seeds 0 to 499. A failing call prints its seed; the fault handler and the `now` file, if a third
argument names one, tell it also of a crash.
"""

import faulthandler
import sys
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

import hostile_doors
import hostile_layers
from hostile_arrays import Hostile

REFUSALS = (ValueError, TypeError, RuntimeError, MemoryError, OverflowError)
LONGEST = 20  # seconds of one call, after which the fault handler shows where it hangs
CALLS = (*hostile_doors.CALLS, *hostile_layers.CALLS)


def one_call(seed):
    """Make the call of a seed; return its kind and "answered", "exploded" or "refused"."""
    draw = Hostile(seed)
    call = draw.one(*CALLS)
    name = call.__name__
    try:
        with np.errstate(all="ignore"):
            call(draw)
    except REFUSALS as error:
        assert draw.wrong, f"{name}: a valid call was refused: {error}"
        text = str(error)
        named = any(word in text for word in draw.wrong)
        assert named or isinstance(error, MemoryError), f"{name}: {draw.wrong} not in: {text}"
        outcome = "refused"
    else:
        assert not draw.wrong, f"{name}: wrong arguments were accepted: {draw.wrong}"
        outcome = "exploded" if draw.exploded else "answered"
    draw.assert_inputs_unchanged()
    return name, outcome


def main(first, count, now=None):
    faulthandler.enable()
    outcomes, failures = Counter(), 0
    for seed in range(first, first + count):
        if now:
            Path(now).write_text(str(seed), "ascii")
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        try:
            outcomes[one_call(seed)] += 1
        except Exception:
            failures += 1
            print(f"seed {seed}: {traceback.format_exc(limit=-4)}", file=sys.stderr)
        faulthandler.cancel_dump_traceback_later()
    for (name, outcome), number in sorted(outcomes.items()):
        print(name, outcome, number)
    print("calls", count, "failures", failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4]))
