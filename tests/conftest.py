"""Header of the test run, and what several test files share."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import oracle_errors
import tidegate
from table_files import command, demand, gestures  # noqa: F401  fixtures
from tidegate import _loader

ROOT = Path(__file__).resolve().parent.parent


def _version_of(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def pytest_report_header():
    """Print what a failure report needs: ISA level, threads, versions, build flags."""
    config = tidegate.get_config()
    packages = ("numpy", "torch", "keras", "hypothesis", "safetensors")
    return [
        f"tidegate {config['version']} from {Path(tidegate.__file__).parent}",
        f"ISA level: {config['isa']} (available: {', '.join(config['isa_available'])}); "
        f"threads: {config['num_threads']}; {platform.machine()}",
        f"build: {config['compiler']} {config['compiler_version']}, {config['build_type']}, "
        f"C++{config['cxx_standard']}, Eigen {config['eigen']}, "
        f"OpenMP {config['openmp'] or 'none'}, assertions {config['assertions']}",
        "versions: " + ", ".join(f"{name} {_version_of(name)}" for name in packages),
    ]


def pytest_terminal_summary(terminalreporter):
    """Print the worst errors of a night's random configurations beside other systems."""
    if "TIDEGATE_TEST_RANDOM" in os.environ:
        for line in oracle_errors.table():
            terminalreporter.write_line(line)


def pytest_configure(config):
    """Make warnings errors in the interpreters that the tests start, too."""
    os.environ.setdefault("PYTHONWARNINGS", "error")


def pytest_collection_modifyitems(items):
    """Leave out the slow tests unless the environment asks for them."""
    if os.environ.get("TIDEGATE_TEST_SLOW") == "1":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow; set TIDEGATE_TEST_SLOW=1"))


def run_python(code, *, env=None, timeout=120, cwd=None):
    """Run code in a new interpreter; return the CompletedProcess with text output."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **(env or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture
def fresh_python():
    """`run_python`, for tests of import time, environment and fork."""
    return run_python


@pytest.fixture
def threads_restored():
    """Put the process's thread setting back after the test."""
    before = tidegate.get_num_threads()
    yield
    tidegate.set_num_threads(before)


@pytest.fixture(params=_loader.available)
def run_at_isa(request):
    """Run code in a new interpreter at each ISA level of this machine; it must succeed."""

    def run(code, **options):
        done = run_python(code, env={"TIDEGATE_ISA": request.param}, **options)
        assert done.returncode == 0, f"at ISA level {request.param}:\n{done.stdout}{done.stderr}"
        return done.stdout

    run.isa = request.param
    return run
