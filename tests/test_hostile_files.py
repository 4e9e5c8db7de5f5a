"""Random changes of model files, in a process with bounded memory: loaded, or a clear error.

TIDEGATE_TEST_HOSTILE=200000 tries that many; TIDEGATE_TEST_SLOW=1 tries 100 000.
"""

import os
import subprocess
import sys

import pytest

from conftest import ROOT

pytest.importorskip("safetensors", reason="safetensors is not installed: no model files")
pytest.importorskip("onnx", reason="onnx is not installed: no files to read")
pytest.importorskip("resource", reason="this system has no limit of memory for a process")
if not os.path.exists("/proc/self/statm"):
    pytest.skip("this system does not say how much memory is in use", allow_module_level=True)


def run_files(count, folder):
    """Run seeds 0 to count - 1; a crash or a hang is told by the seed in the file `now`."""
    command = [sys.executable, str(ROOT / "tests" / "hostile_files.py"), "0", str(count)]
    done = subprocess.run([*command, folder], capture_output=True, text=True, check=False)
    now = (folder / "now").read_text("ascii") if (folder / "now").exists() else "none"
    told = f"last seed {now}, exit {done.returncode}\n{done.stderr[-6000:]}"
    assert done.returncode == 0, told
    print(done.stdout)
    return done.stdout


def test_changed_files(tmp_path):
    said = run_files(int(os.environ.get("TIDEGATE_TEST_HOSTILE", "500")), tmp_path)
    for line in ("onnx ran", "onnx refused", "safetensors ran", "safetensors refused"):
        assert line in said


@pytest.mark.slow
def test_many_changed_files(tmp_path):
    assert "files 100000 failures 0" in run_files(100_000, tmp_path)
