"""Random calls with hostile arguments, in a process of their own: answers or clear errors.

TIDEGATE_TEST_HOSTILE=200000 tries that many; TIDEGATE_TEST_SLOW=1 tries 50 000.
"""

import os
import subprocess
import sys

import pytest

from conftest import ROOT


def run_calls(count, now):
    """Run seeds 0 to count - 1; a crash or a hang is told by the seed in the file `now`."""
    command = [sys.executable, str(ROOT / "tests" / "hostile_calls.py"), "0", str(count), str(now)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = f"last seed {now.read_text('ascii')}, exit {done.returncode}\n{done.stderr[-6000:]}"
    assert done.returncode == 0, told
    print(done.stdout)
    return done.stdout


def test_calls_with_hostile_arguments(tmp_path):
    said = run_calls(int(os.environ.get("TIDEGATE_TEST_HOSTILE", "500")), tmp_path / "now")
    for call in ("one_layer", "two_directions", "a_stack", "a_layer", "a_model", "a_stream"):
        assert f"{call} answered" in said
        assert f"{call} refused" in said


@pytest.mark.slow
def test_many_calls_with_hostile_arguments(tmp_path):
    assert "calls 50000 failures 0" in run_calls(50_000, tmp_path / "now")
