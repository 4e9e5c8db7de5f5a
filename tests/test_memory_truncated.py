"""Truncated back-propagation trains sequences of any length in the memory of one piece."""

import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc"),
]

PEAK = """
import sys
import numpy as np
from tidegate.bench.memory import peak_growth
from tidegate.layers import LSTM, Dense
from tidegate.models import Sequential

steps, tbptt = int(sys.argv[1]), int(sys.argv[2]) or None
rng = np.random.default_rng(0)
x = rng.standard_normal((4, steps, 8), dtype=np.float32)
y = np.cumsum(x[..., :1], axis=1, dtype=np.float32) / 100
model = Sequential([LSTM(64, return_sequences=True), LSTM(64, return_sequences=True), Dense(1)])
model.compile("adam", "mse")
model.fit(x[:, :200], y[:, :200], verbose=0, tbptt=100)
print(peak_growth(lambda: model.fit(x, y, batch_size=4, shuffle=False, verbose=0, tbptt=tbptt)))
"""
NO_HOLES = {"MALLOC_MMAP_THRESHOLD_": str(128 * 1024)}


def growth(fresh_python, steps, tbptt):
    arguments = [str(steps), str(tbptt)]
    code = f"import sys; sys.argv[1:] = {arguments!r}\n{PEAK}"
    done = fresh_python(code, env=NO_HOLES, timeout=600)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def test_a_sequence_of_100_000_steps_takes_the_memory_of_a_piece(fresh_python):
    short, long = (growth(fresh_python, steps, 100) for steps in (1000, 100_000))
    whole = growth(fresh_python, 10_000, 0)
    print(
        f"\ngrowth while training, 2 LSTM(64), 4 sequences, pieces of 100 steps: "
        f"{short / 2**20:.1f} MB at T = 1 000, {long / 2**20:.1f} MB at T = 100 000; "
        f"whole sequences: {whole / 2**20:.1f} MB at T = 10 000"
    )
    assert long <= short + 2 * 2**20
    assert whole > 10 * long
