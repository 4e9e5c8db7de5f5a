"""Absurd sizes under a limit of the address space: MemoryError, before memory is touched."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="needs Linux's /proc and limits of memory"
)

COMMON = """
import resource
import numpy as np
import tidegate as tg
import tidegate.functional, tidegate.layers
small = tg.CellWeights("lstm", np.zeros((16, 1)), np.zeros((16, 4)))
tg.functional.rnn_forward(small, np.zeros((2, 2, 1)))  # what is loaded late is loaded
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""
AFTER = """
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
y = tg.functional.rnn_forward(small, np.zeros((2, 2, 1)))
print("good" if grown < 65536 else grown)
"""
CALLS = {
    "rnn_forward": "tg.functional.rnn_forward(small, np.broadcast_to(0.0, (2**14, 2**14, 1)))",
    "strided": "tg.functional.rnn_forward(small, np.lib.stride_tricks.as_strided("
    "np.zeros(8), (2**16, 2**12, 1), (0, 0, 8)))",
    "CellWeights": "tg.CellWeights('lstm', np.broadcast_to(0.0, (2**18, 2**16)), "
    "np.broadcast_to(0.0, (2**18, 2**16)))",
    "units": "tg.layers.LSTM(10**9).build((3, 1))",
    "Dense": "tg.layers.Dense(10**9).build((3, 8))",
}


@pytest.mark.parametrize("name", CALLS)
def test_absurd_sizes_raise_before_memory_is_touched(name, fresh_python):
    call = (
        f"try:\n    {CALLS[name]}\nexcept MemoryError:\n    pass\nelse:\n    raise SystemExit(3)\n"
    )
    done = fresh_python(COMMON + call + AFTER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "good\n"
