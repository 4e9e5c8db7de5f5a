"""Inference needs O(B*H) beyond its inputs, outputs and packed weights, however long it runs."""

import json
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")

# Prints how far a call grew its process beyond y, the weights packed and the team formed before.
GROWTH = """
import json, sys
import numpy as np
import tidegate as tg
from tidegate.bench.memory import peak_growth

cell, steps, batch, hidden, returns_y = json.loads(sys.argv[1])
inputs, gates = 8, {"lstm": 4, "gru": 3, "rnn": 1}[cell]
draw = np.random.default_rng(0).standard_normal
weight_ih = 0.1 * draw((gates * hidden, inputs), np.float32)
weights = tg.CellWeights(cell, weight_ih, 0.1 * draw((gates * hidden, hidden), np.float32))
x = draw((steps, batch, inputs), np.float32)
kept = []

def call(x):
    kept.append(tg.functional.rnn_forward(weights, x, return_sequences=returns_y))

tg.set_num_threads(2)
call(x[:2])
growth = peak_growth(lambda: call(x))
print(growth - (kept[-1].y.nbytes if returns_y else 0))
"""

# What a call may take whatever its shape: a projection buffer of a few hundred KiB per thread, and
# the kernel's counting by batches of pages.
FIXED = 2**20


def growth(fresh_python, cell, steps, batch, hidden, returns_y):
    arguments = json.dumps([cell, steps, batch, hidden, returns_y])
    done = fresh_python(f"import sys; sys.argv[1:] = [{arguments!r}]\n{GROWTH}")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("returns_y", [False, True], ids=["last", "sequences"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_memory_does_not_grow_with_the_steps(fresh_python, cell, returns_y):
    batch, hidden = 16, 64
    short, long = (growth(fresh_python, cell, t, batch, hidden, returns_y) for t in (50, 5000))
    hidden_states = (5000 - 50) * batch * hidden * 4
    assert long - short <= FIXED < hidden_states / 16


@pytest.mark.parametrize(("batch", "hidden"), [(256, 256), (16, 1024)])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_memory_is_a_few_states(fresh_python, cell, batch, hidden):
    """At most the rings of h and c, the final state and one step of the gates, twice over."""
    state = batch * hidden * 4
    assert growth(fresh_python, cell, 20, batch, hidden, False) <= 16 * state + FIXED
