"""tidegate.keras on each backend of Keras, which fixes it at its import: one process for each."""

import importlib.util
import os
import subprocess
import sys

import pytest

from conftest import ROOT

KERAS_WARNS = "ignore:__array__ implementation:DeprecationWarning"  # reading its own variables


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_backend(backend):
    for package in ("keras", backend):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: no layers for Keras on {backend}")
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "JAX_ENABLE_X64": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "",  # of Keras and its backends while they are imported
    }
    checks = sorted(str(path) for path in (ROOT / "tests").glob("keras_checks_*.py"))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", KERAS_WARNS, *checks],
        check=False,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
