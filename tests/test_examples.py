"""Every example runs at reduced size, warnings as errors, and draws its picture."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_example(path, tmp_path):
    picture = tmp_path / "picture.png"
    done = subprocess.run(
        [sys.executable, str(path), "--epochs", "2", "--output", str(picture)],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"picture: {picture}" in done.stdout
    assert done.stderr == ""
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_there_are_examples():
    assert {"textbook", "co2_forecast", "stream"} <= {path.stem for path in EXAMPLES}
