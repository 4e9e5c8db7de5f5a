"""The number of threads never changes a bit of any result."""

import sys

import numpy as np
import pytest

import tidegate
from cases import ALL_CELLS, DTYPES, PLAIN_CELLS, make_problem
from engine_runs import all_arrays, assert_same_bits, run
from tidegate import functional

THREADS = (1, 2, 3, 4)

# (T, B, I, H), each worth several threads: cut along the hidden units, along the batch, along both;
# a large input; few and many rows for the weight gradients to sum; nothing a multiple of a tile.
SHAPES = ((6, 3, 70, 259), (9, 67, 20, 41), (5, 24, 33, 130), (30, 4, 500, 65), (3, 29, 1, 303))

pytestmark = pytest.mark.usefixtures("threads_restored")


def results(problem, threads, **layout):
    tidegate.set_num_threads(threads)
    inference = functional.rnn_forward(problem.weights, problem.x, problem.state, **layout)
    named = all_arrays(*run(functional, problem, **layout))
    return named | {"y without training": inference.y}


def assert_same_bits_at_any_count(problem, **layout):
    alone = results(problem, 1, **layout)
    for threads in THREADS[1:]:
        assert_same_bits(results(problem, threads, **layout), alone)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_same_bits_at_any_thread_count(case, shape, dtype):
    assert_same_bits_at_any_count(make_problem(case, shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ALL_CELLS, ids=str)
def test_same_bits_at_any_thread_count_with_every_option(case, dtype):
    assert_same_bits_at_any_count(make_problem(case, (4, 26, 18, 90), dtype), go_backwards=True)


@pytest.mark.parametrize("batch", [1, 2, 5, 6, 7, 12, 13, 18, 25, 31])
@pytest.mark.parametrize("hidden", [31, 96, 200])
def test_same_bits_at_every_division_of_the_batch(batch, hidden):
    shape = (4, batch, 64, hidden)
    assert_same_bits_at_any_count(make_problem(PLAIN_CELLS[0], shape, np.float32))
    assert_same_bits_at_any_count(make_problem(PLAIN_CELLS[5], shape, np.float32))


@pytest.mark.parametrize("case", PLAIN_CELLS, ids=str)
def test_same_bits_at_every_call(case):
    problem = make_problem(case, SHAPES[1], np.float32)
    once = results(problem, 2)
    for _ in range(5):
        assert_same_bits(results(problem, 2), once)


COUNT_OS_THREADS = """
import os
import numpy as np
import tidegate
rng = np.random.default_rng(0)
w = tidegate.CellWeights("lstm", rng.normal(size=(4 * {h}, {i})), rng.normal(size=(4 * {h}, {h})))
x = rng.normal(size=({t}, {b}, {i}))
tidegate.set_num_threads(1)
tidegate.functional.rnn_forward(w, x, training=True)  # packs the weights, which may take a team too
before = len(os.listdir("/proc/self/task"))
tidegate.set_num_threads(4)
out = tidegate.functional.rnn_forward(w, x, training=True)
tidegate.functional.rnn_backward(out.saved, np.ones_like(out.y))
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
@pytest.mark.skipif(not tidegate.get_config()["openmp"], reason="built without OpenMP: one thread")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shapes_of_this_file_do_use_threads(fresh_python, shape):
    t, b, i, h = shape
    code = COUNT_OS_THREADS.format(t=t, b=b, i=i, h=h)
    done = fresh_python(code, env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "4"})
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1, "the whole call ran on one thread"


# Each call in a thread of its own, which takes its team along when it ends.
COUNT_TEAM_BESIDE_A_CALL = """
import os, threading, time
import numpy as np
import tidegate

rng = np.random.default_rng(0)
w = tidegate.CellWeights("lstm", rng.normal(size=(1036, 70)), rng.normal(size=(1036, 259)))
tidegate.set_num_threads(1)
tidegate.functional.rnn_forward(w, np.zeros((6, 3, 70)))
tidegate.set_num_threads(4)

def os_threads():
    return len(os.listdir("/proc/self/task"))

def team_of_a_call():
    def call():
        tidegate.functional.rnn_forward(w, np.zeros((6, 3, 70)))
        seen.append(os_threads())
    seen, before = [], os_threads()
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    return seen[0] - before

def settled(count):
    end = time.monotonic() + 20
    while os_threads() != count and time.monotonic() < end:
        time.sleep(0.001)
    return os_threads()

before = os_threads()
alone = team_of_a_call()
assert settled(before) == before
steps = 2000
while True:  # longer, until the call takes longer than the one beside it
    long = np.zeros((steps, 3, 70))
    caller = threading.Thread(target=tidegate.functional.rnn_forward, args=(w, long))
    caller.start()
    while os_threads() != before + alone and caller.is_alive():
        time.sleep(0.0001)
    beside = team_of_a_call()
    if caller.is_alive():
        break
    caller.join()
    steps *= 2
caller.join()
print(alone, beside)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
@pytest.mark.skipif(not tidegate.get_config()["openmp"], reason="built without OpenMP: one thread")
def test_a_call_beside_another_takes_half_of_the_threads(fresh_python):
    env = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "4"}
    done = fresh_python(COUNT_TEAM_BESIDE_A_CALL, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "4 2"
