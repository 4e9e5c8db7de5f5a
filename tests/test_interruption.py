"""Ctrl-C ends any long call, at any thread count, and what it leaves can be used again."""

import signal
import threading
import time

import numpy as np
import pytest

import tidegate as tg
from tidegate import CellWeights, functional

pytestmark = [
    pytest.mark.usefixtures("threads_restored"),
    pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs pthread_kill"),
]

DELAY = 0.15


def lstm(inputs, hidden):
    rng = np.random.default_rng(0)
    return CellWeights(
        "lstm",
        rng.normal(size=(4 * hidden, inputs)).astype(np.float32) * 0.05,
        rng.normal(size=(4 * hidden, hidden)).astype(np.float32) * 0.05,
    )


def zeros(*shape):
    return np.zeros(shape, np.float32)  # pages that nobody wrote: a long sequence costs no memory


@pytest.fixture
def ctrl_c():
    """ctrl_c() sends SIGINT to this thread after DELAY; the handler raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    me, timers = threading.get_ident(), []

    def send():
        timers.append(threading.Timer(DELAY, signal.pthread_kill, (me, signal.SIGINT)))
        timers[-1].start()

    yield send
    for timer in timers:
        timer.join()
    signal.signal(signal.SIGINT, before)


def stopped_after(call):
    """Run a call that Ctrl-C must end; return its seconds."""
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        call()
    return time.perf_counter() - start


def duration(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


LONG = {  # T, B, I, H: many small steps, and few large ones
    "steps": (400_000, 1, 8, 128),
    "rows": (40, 2048, 64, 512),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", LONG.values(), ids=LONG)
def test_interruption_ends_a_forward(ctrl_c, threads, shape):
    tg.set_num_threads(threads)
    steps, batch, inputs, hidden = shape
    w, x = lstm(inputs, hidden), zeros(steps, batch, inputs)
    before = functional.rnn_forward(w, x[:3]).y
    ctrl_c()
    seconds = stopped_after(lambda: functional.rnn_forward(w, x, return_sequences=False))
    assert seconds < 60  # it was ended, and nobody waits at a barrier for ever
    assert np.array_equal(functional.rnn_forward(w, x[:3]).y, before)


@pytest.mark.parametrize("threads", [1, 2])
def test_interruption_ends_a_backward_wherever_it_is(ctrl_c, threads):
    """The time loop, then the products by weights and by inputs: one third of the time each."""
    tg.set_num_threads(threads)
    w, x = lstm(512, 512), zeros(80, 128, 512)
    ended = 0
    for _ in range(3):
        out = functional.rnn_forward(w, x, training=True)
        ctrl_c()
        try:
            functional.rnn_backward(out.saved, dy=out.y)
            time.sleep(2 * DELAY)  # too quick a machine: the signal comes now
        except KeyboardInterrupt:
            ended += 1
        else:
            continue
        with pytest.raises(RuntimeError, match="saved was used"):
            functional.rnn_backward(out.saved, dy=out.y)
    assert ended == 3
    problem = functional.rnn_forward(w, x[:4], training=True)
    again = functional.rnn_forward(w, x[:4], training=True)
    first = functional.rnn_backward(problem.saved, dy=problem.y)
    second = functional.rnn_backward(again.saved, dy=again.y)
    assert np.array_equal(first.x, second.x)


def test_interruption_runs_handlers_that_do_not_raise_and_goes_on(ctrl_c):
    """A handler may even call the engine; the call that it interrupted gives the same bits."""
    w, x = lstm(8, 128), np.random.default_rng(1).normal(size=(60_000, 1, 8)).astype(np.float32)
    expected = functional.rnn_forward(w, x, return_sequences=False).state[0]
    seen = []

    def handler(number, frame):
        seen.append((float("5e-324") > 0, functional.rnn_forward(w, x[:5]).y))

    signal.signal(signal.SIGINT, handler)
    ctrl_c()
    deadline = time.monotonic() + 60
    while not seen and time.monotonic() < deadline:
        state = functional.rnn_forward(w, x, return_sequences=False).state[0]
        assert np.array_equal(state, expected)
    assert len(seen) == 1
    assert seen[0][0]  # denormals are what they are outside
    assert np.array_equal(seen[0][1], functional.rnn_forward(w, x[:5]).y)


def test_interruption_is_not_for_other_threads(ctrl_c):
    """Python handles signals in its main thread: calls of others finish."""
    w, x = lstm(8, 128), zeros(100_000, 1, 8)
    done = []
    worker = threading.Thread(
        target=lambda: done.append(functional.rnn_forward(w, x, return_sequences=False))
    )
    worker.start()
    ctrl_c()
    with pytest.raises(KeyboardInterrupt):
        time.sleep(60)
    worker.join()
    expected = functional.rnn_forward(w, x, return_sequences=False)
    assert np.array_equal(done[0].state[0], expected.state[0])
