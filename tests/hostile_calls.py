"""Random calls of the public API: each gives the reference's answer or names the bad argument.

    PYTHONPATH=python python tests/hostile_calls.py 0 500

Seeds 0 to 499. A failing call prints its seed; the fault handler and the `now` file, if a third
argument names one, tell it also of a crash.
"""

import sys

import numpy as np

import hostile_doors
import hostile_layers
from hostile_arrays import Hostile
from hostile_seeds import run_seeds

REFUSALS = (ValueError, TypeError, RuntimeError, MemoryError, OverflowError)
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
    return run_seeds(first, count, one_call, noun="calls", now=now)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4]))
