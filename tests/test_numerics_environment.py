"""Import and calls leave the process as they found it: floating point, signals, threads."""

import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc and libm")

# What a call could change, as text by name. MXCSR is in the last word of glibc's fenv_t on x86-64;
# its low six bits are the sticky exception flags, which every computation may raise.
SNAPSHOT = """
import ctypes, ctypes.util, gc, locale, os, pathlib, platform, random
import signal, sys, threading, warnings
import numpy as np

# With its first thread glibc catches a signal of its own (SIGSETXID).
first_thread = threading.Thread(target=int)
first_thread.start()
first_thread.join()

libm = ctypes.CDLL(ctypes.util.find_library("m"))

def fenv():
    words = (ctypes.c_uint32 * 64)()
    assert libm.fegetenv(words) == 0
    return words

def mxcsr():
    return fenv()[7] & ~0x3F if platform.machine() == "x86_64" else None

def floating_point():
    return {
        "rounding": libm.fegetround(),
        "mxcsr": mxcsr(),
        "denormals": [np.float64(5e-324) + 0 != 0, np.float64(2.5e-308) / 4 != 0],
    }

def status():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return [q for q in lines if q.startswith(("SigIgn", "SigCgt", "SigBlk", "Cpus_allowed:"))]

def snapshot():
    return floating_point() | {
        "handlers": [signal.getsignal(q) for q in sorted(signal.valid_signals())],
        "status": status(),
        "affinity": os.sched_getaffinity(0),
        "environ": dict(os.environ),
        "environ of C": ctypes.CDLL(None).getenv(b"OMP_NUM_THREADS"),
        "cwd": os.getcwd(),
        "locale": locale.setlocale(locale.LC_ALL),
        "random": (random.getstate(), str(np.random.get_state())),
        "numpy errors": np.geterr(),
        "warnings": list(warnings.filters),
        "hooks": (sys.excepthook, threading.excepthook, sys.getswitchinterval()),
        "gc": (gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit()),
    }

def assert_same(before, when, now):
    for name, value in before.items():
        assert now[name] == value, (when, name, value, now[name])
"""

# Each kind of call, by name; every one works on several threads where the machine has them.
CALLS = """
import tidegate
from tidegate import functional, layers, models
from tidegate._loader import core

rng = np.random.default_rng(0)
x = rng.standard_normal((6, 40, 24)).astype(np.float32)
ws = {
    cell: tidegate.CellWeights(
        cell,
        (0.1 * rng.standard_normal((gates * 48, 24))).astype(np.float32),
        (0.1 * rng.standard_normal((gates * 48, 48))).astype(np.float32),
    )
    for cell, gates in (("lstm", 4), ("gru", 3), ("rnn", 1))
}

def train(w):
    out = functional.rnn_forward(w, x, training=True)
    functional.rnn_backward(out.saved, np.ones_like(out.y))

def refused():
    try:
        functional.rnn_forward(ws["lstm"], x[..., :3])
    except ValueError:
        return
    raise AssertionError("not refused")

def fit():
    model = models.Sequential([layers.LSTM(8), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(x[:4], np.zeros((4, 1), np.float32), epochs=1, batch_size=2, verbose=0)
    model.predict(x[:4])

calls = {f"inference {cell}": lambda w=w: functional.rnn_forward(w, x) for cell, w in ws.items()}
calls |= {f"training {cell}": lambda w=w: train(w) for cell, w in ws.items()}
calls |= {
    "denormals": lambda: functional.rnn_forward(ws["lstm"], x * np.float32(1e-39)),
    "NaN": lambda: functional.rnn_forward(ws["gru"], x * np.float32("nan")),
    "an error": refused,
    "fit and predict": fit,
}
"""

BEFORE_AND_AFTER = (
    SNAPSHOT
    + """
import threading
first = snapshot()
import tidegate
assert_same(first, "import", snapshot())
"""
    + CALLS
    + """
assert_same(first, "import of everything", snapshot())
omp = core.openmp_max_threads()
for count in (1, 2):
    tidegate.set_num_threads(count)
    for name, call in calls.items():
        call()
        assert_same(first, (name, count), snapshot())
        assert core.openmp_max_threads() == omp, name

failed = []
def in_a_thread():
    try:
        before = floating_point()
        for name, call in calls.items():
            call()
            assert_same(before, name, floating_point())
            assert core.openmp_max_threads() == omp, name
    except BaseException as error:
        failed.append(error)
worker = threading.Thread(target=in_a_thread)
worker.start()
worker.join()
assert not failed, failed
assert_same(first, "calls of a thread", snapshot())
print("same", omp)
"""
)


def test_import_and_calls_leave_everything_as_it_was(run_at_isa):
    assert run_at_isa(BEFORE_AND_AFTER).startswith("same")


def test_the_openmp_setting_of_the_environment_stays(fresh_python):
    done = fresh_python(BEFORE_AND_AFTER, env={"OMP_NUM_THREADS": "3"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("same 3", "same 0")  # 0: a build without OpenMP


# Put a value into the floating-point environment of the caller, call, and look whether it stays.
CALLER_CHOOSES = (
    SNAPSHOT
    + CALLS
    + """
def assert_stays(values, put, get):
    for count in (1, 2):
        tidegate.set_num_threads(count)
        for value in values:
            for name in [q for q in calls if q != "fit and predict"]:
                usual, before = fenv(), get()
                put(value)
                chosen = get()
                calls[name]()
                left = get()
                assert libm.fesetenv(usual) == 0
                assert chosen != before and left == chosen, (name, count, value, left, chosen)
    print("left")
"""
)

# 0x400 rounds down, 0x800 up, 0xC00 to zero (x86-64's fegetround values).
OTHER_ROUNDING = """
def put(mode):
    assert libm.fesetround(mode) == 0
assert_stays((0x400, 0x800, 0xC00), put, libm.fegetround)
"""

# A caller may compute with denormals flushed itself: that stays, too.
FLUSHED = """
def put(bits):
    wanted = fenv()
    wanted[7] |= bits
    assert libm.fesetenv(wanted) == 0
assert_stays((0x8000, 0x0040, 0x8040), put, mxcsr)
"""

needs_x86 = pytest.mark.skipif("__import__('platform').machine() != 'x86_64'", reason="MXCSR")


@needs_x86
def test_a_rounding_mode_of_the_caller_is_left(run_at_isa):
    assert run_at_isa(CALLER_CHOOSES + OTHER_ROUNDING).strip() == "left"


@needs_x86
def test_flushing_that_the_caller_chose_is_left(run_at_isa):
    assert run_at_isa(CALLER_CHOOSES + FLUSHED).strip() == "left"
