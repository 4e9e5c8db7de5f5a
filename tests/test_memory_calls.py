"""Nothing accumulates: resident memory after many calls is that after the first thousand."""

import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")

CALLS = """
import gc, sys
import numpy as np
import tidegate as tg
from tidegate.bench.memory import resident_bytes

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
LARGEST = (16, 24, 16, 48)
tg.set_num_threads(2)
rng = np.random.default_rng(0)

def weights_of(cell, dtype, inputs, hidden):
    rows = GATES[cell] * hidden
    arrays = [rng.random(shape, dtype) for shape in ((rows, inputs), (rows, hidden), (rows,))]
    return tg.CellWeights(cell, *arrays, reset_after=bool(rng.integers(2)))

def forward(w, x):
    tg.functional.rnn_forward(w, x)

def backward(w, x):
    out = tg.functional.rnn_forward(w, x, training=True, batch_first=bool(rng.integers(2)))
    tg.functional.rnn_backward(out.saved, np.ones_like(out.y))

def unused(w, x):
    tg.functional.rnn_forward(w, x, training=True, return_sequences=False)

def stream(w, x):
    s = tg.Stream(w, batch_size=x.shape[1])
    for x_t in x[:4]:
        s.step(x_t)

def calls(count):
    for number in range(count):
        cell = list(GATES)[number % 3]
        dtype = (np.float32, np.float64)[number // 3 % 2]
        run = (forward, backward, unused, stream)[number // 6 % 4]
        # The largest of each kind first, then anything; mostly small, as its square is drawn.
        shape = LARGEST
        if number >= 24:
            shape = 1 + (np.array(LARGEST) * rng.random(4) ** 2).astype(int)
        steps, batch, inputs, hidden = map(int, shape)
        run(weights_of(cell, dtype, inputs, hidden), rng.random((steps, batch, inputs), dtype))

def resident():
    gc.collect()
    return resident_bytes()

calls(1000)
before = resident()
calls(int(sys.argv[1]) - 1000)
print(resident() - before)
"""


# What the allocator's fragments may come to; a leak of 20 bytes a call is more.
FRAGMENTS = 2 * 2**20


@pytest.mark.slow
def test_memory_is_flat_over_100_000_calls_of_varied_shapes(fresh_python):
    done = fresh_python(f"import sys; sys.argv[1:] = ['100000']\n{CALLS}", timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= FRAGMENTS


def test_memory_is_flat_over_5_000_calls_of_varied_shapes(fresh_python):
    """The same in a second: what leaks its arrays shows at once."""
    done = fresh_python(f"import sys; sys.argv[1:] = ['5000']\n{CALLS}")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= FRAGMENTS
