"""The other side of `tidegate.bench.worker`: an engine's process, and its death."""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import Any


class WorkerError(Exception):
    """An engine raised, died or did not answer; the message is for the report."""


class WorkerDied(WorkerError):
    """The process is gone."""


class Worker:
    """An engine in its own process.

    Parameters
    ----------
    engine : str
    threads : int
    timeout : float
        Seconds after which an engine that does not answer is killed.
    program : sequence of str
        What Python runs; engine and threads follow.
    """

    def __init__(
        self,
        engine: str,
        threads: int,
        timeout: float,
        program: Sequence[str] = ("-m", "tidegate.bench.worker"),
    ) -> None:
        self.engine = engine
        self._timeout = timeout
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        command = [sys.executable, *program, engine, str(threads)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            encoding="utf-8",
        )
        try:
            self._answer()
        except WorkerError:
            self.close()
            raise

    def ask(self, do: str, **arguments: Any) -> Any:
        """Send a request and return the result.

        Raises
        ------
        WorkerError
            The engine raised an exception.
        WorkerDied
            The process ended, or did not answer in time and was ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerDied(self._obituary()) from None
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        timer = threading.Timer(self._timeout, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise WorkerDied(self._obituary())
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer["result"]

    def _obituary(self) -> str:
        """Say how the process ended, with the last line that it wrote."""
        code = self._process.wait()
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        last = f" after: {lines[-1][:200]}" if lines else ""
        how = f"by signal {-code}" if code < 0 else f"with status {code}"
        return f"the process ended {how}{last}"

    def close(self) -> None:
        """End the process; one that does not end by itself is killed."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._stderr.close()
