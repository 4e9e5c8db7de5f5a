"""The peak of training is what it must keep, and less than PyTorch's; how the peak is measured."""

import json
import sys
from dataclasses import asdict

import pytest

from tidegate.bench import memory
from tidegate.bench.case import Case

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")

SHARE_OF_PYTORCH = 0.6

PEAK = """
import json, sys
from tidegate.bench.case import Case
from tidegate.bench.engines import engine_class
from tidegate.bench.memory import peak_of_case

print(peak_of_case(engine_class(sys.argv[1])(2), Case(**json.loads(sys.argv[2]))))
"""


# Freed memory leaves the process at once, so that the peak is what is held; else it depends on
# the holes that glibc keeps for later calls.
NO_HOLES = {"MALLOC_MMAP_THRESHOLD_": str(128 * 1024)}


def peak(fresh_python, engine, case, env=None):
    arguments = [engine, json.dumps(asdict(case))]
    done = fresh_python(f"import sys; sys.argv[1:] = {arguments!r}\n{PEAK}", env=env, timeout=600)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


# Rows of width H that every step of every sequence keeps: the saved slots, y, and what else the
# equations of the backward pass read (c; r∘h_prev).
ROWS = {"lstm": 4 + 1 + 1, "gru": 4 + 1, "gru_reset_before": 3 + 1 + 1, "rnn": 1 + 1}


@pytest.mark.parametrize("kind", ROWS)
def test_training_keeps_what_backward_reads_and_little_more(fresh_python, kind):
    case = Case(kind, True, 100, 32, 64, 128)
    weights = case.cell.gates * case.hidden * (case.inputs + case.hidden)
    kept = case.steps * case.batch * (ROWS[kind] * case.hidden + case.inputs)
    # The weights packed for both passes, a slot more in a reset-after GRU, and their gradients.
    expected = 4 * (kept + 4 * weights)
    assert 4 * kept < peak(fresh_python, "tidegate", case, NO_HOLES) <= expected + 2 * 2**20


@pytest.mark.slow
@pytest.mark.parametrize("case", memory.CASES, ids=lambda case: f"{case.kind}-{case.pass_name}")
def test_peak_is_at_most_a_share_of_pytorch_s(fresh_python, case):
    pytest.importorskip("torch")
    ours, theirs = (peak(fresh_python, engine, case) for engine in ("tidegate", "torch"))
    assert ours <= SHARE_OF_PYTORCH * theirs


def test_growth_of_a_call_is_what_it_touches_at_once(fresh_python):
    code = """
import numpy as np
from tidegate.bench.memory import peak_growth

def twice():
    for _ in range(2):  # freed in between: counts once
        np.ones(40_000_000, np.int8)

np.ones(80_000_000, np.int8)  # an earlier peak does not count
print(peak_growth(twice), peak_growth(lambda: None))
"""
    done = fresh_python(code)
    touched, nothing = map(int, done.stdout.split())
    assert 40e6 <= touched + 2**18 <= 41e6
    assert abs(nothing) < 2**19


def test_table_has_megabytes_shares_and_reasons():
    case = Case("lstm", True, 2, 3, 4, 5)
    row = memory.MemoryRow(case, {"tidegate": 90_000_000, "jax": 180_400_000}, {"openvino": "none"})
    text = memory.table([row])
    assert case.label in text
    assert text.splitlines()[2].split()[-3:] == ["180", "(0.50)", "-"]
    assert "openvino: none" in text
