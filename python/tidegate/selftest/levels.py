"""One process for each ISA level: a level that dies does not take the others with it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import NamedTuple

from tidegate import _loader
from tidegate.selftest.compare import Check

TIMEOUT = 300.0  # seconds for one level, which takes a few; a slow emulator takes a minute
# The child looks for modules where this process does: it must test this very installation.
SAME_PLACE = "import sys; sys.path[:] = {path!r}\n"
PROGRAM = "from tidegate.selftest.worker import main; sys.exit(main())"


class SelfTestResult(NamedTuple):
    """Result of `run`."""

    levels: tuple[str, ...]  # that were tried, best first
    checks: tuple[Check, ...]
    broken: dict[str, str]  # levels whose process did not come to its end, and why

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        """Whether every level came to its end and every check passed."""
        return bool(self.checks) and not self.broken and not self.failures


def run(
    levels: Sequence[str] | None = None,
    *,
    timeout: float = TIMEOUT,
    program: str = PROGRAM,
) -> SelfTestResult:
    """Compare the engine with the float64 reference at every ISA level of this machine.

    Parameters
    ----------
    levels : sequence of str, optional
        Some of `tidegate.get_config()["isa_available"]`; all of them if omitted.
    timeout : float
        Seconds after which a level that has not ended is broken.
    program : str
        Python code that the process of a level runs; `sys` is imported.

    Returns
    -------
    SelfTestResult
        levels, checks (one for each level, topic, dtype and cell) and broken; `passed` and
        `failures` sum them up.

    Raises
    ------
    ValueError
        A level is not available here.

    Examples
    --------
    >>> from tidegate import selftest
    >>> selftest.run(levels=[]).checks
    ()
    """
    chosen = _loader.available if levels is None else tuple(levels)
    for level in chosen:
        if level not in _loader.available:
            listed = ", ".join(f'"{name}"' for name in _loader.available)
            raise ValueError(f'selftest.run: levels has "{level}"; expected some of {listed}.')
    checks: list[Check] = []
    broken = {}
    for level in chosen:
        found, trouble = _run_level(level, timeout, program)
        checks += found
        if trouble:
            broken[level] = trouble
    return SelfTestResult(chosen, tuple(checks), broken)


def _run_level(level: str, timeout: float, program: str) -> tuple[list[Check], str]:
    """Return the checks of one level, and what went wrong with its process or ""."""
    code = SAME_PLACE.format(path=sys.path) + program
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "TIDEGATE_ISA": level},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(timeout, stop)
        timer.start()
        try:
            output = process.communicate()[0]
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace").strip().splitlines()
    checks, complete = _read(level, output)
    if complete and process.returncode == 0:
        return checks, ""
    how = f"did not end in {timeout:g} s" if late.is_set() else _how_it_ended(process.returncode)
    return checks, f"{how} after {len(checks)} checks" + (f": {said[-1][:200]}" if said else "")


def _read(level: str, output: str) -> tuple[list[Check], bool]:
    """Return the checks, and whether they are as many as the process says it made."""
    checks: list[Check] = []
    count = -1
    for line in output.splitlines():
        try:
            found = json.loads(line)
        except ValueError:  # the last line of a process that died in it
            continue
        if isinstance(found, dict):
            count = found["count"]
        elif isinstance(found, list):
            check = Check(*found)
            checks.append(check._replace(shape=tuple(check.shape)))
    return checks, count == len(checks) and all(check.level == level for check in checks)


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with status {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:
        return f"died of signal {-code}"
