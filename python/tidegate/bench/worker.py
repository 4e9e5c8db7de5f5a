"""One engine in one process: reads requests as JSON lines, answers each with a JSON line.

`python -m tidegate.bench.worker ENGINE THREADS`, started by `tidegate.bench.process`.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

from tidegate.bench import memory, probes
from tidegate.bench.case import Case
from tidegate.bench.engines import engine_class
from tidegate.bench.engines.engine import Engine, Prepared
from tidegate.bench.problem import Problem

MOST_TIMES = 10_000


def measure(run: Callable[[], Any], seconds: float) -> tuple[list[float], float]:
    """Time single calls for about `seconds`, after one that warms up; a longer call once.

    Returns
    -------
    tuple of list of float and float
        The times, and how many CPUs were busy on average.
    """
    run()
    times: list[float] = []
    gc.collect()
    gc.disable()
    try:
        busy = time.process_time()
        start = end = time.perf_counter()
        while not times or (end - start < seconds and len(times) < MOST_TIMES):
            begin = time.perf_counter()
            run()
            end = time.perf_counter()
            times.append(end - begin)
        busy = time.process_time() - busy
    finally:
        gc.enable()
    return times, busy / (end - start)


class Server:
    """Answers requests; holds one prepared case."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._engine: Engine | None = None
        self._prepared: Prepared | None = None

    def start(self, engine: str) -> None:
        """Import the engine."""
        self._engine = engine_class(engine)(self._threads)

    def answer(self, request: dict[str, Any]) -> Any:
        """Do what a request asks for; its "do" is the name of a method."""
        do: dict[str, Callable[..., Any]] = {
            "prepare": self.prepare,
            "measure": self.measure,
            "probe": self.probe,
            "peak_memory": self.peak_memory,
        }
        return do[request.pop("do")](**request)

    def prepare(self, case: dict[str, Any], result: str) -> None:
        """Prepare a case, run it and write its arrays to the file `result`."""
        assert self._engine is not None
        self._prepared = None
        gc.collect()
        self._prepared = self._engine.prepare(Problem.of(Case(**case)))
        with open(result, "wb") as file:
            np.savez(file, **self._prepared.result())  # type: ignore[arg-type, unused-ignore]  # NumPy 1.26

    def measure(self, seconds: float) -> tuple[list[float], float]:
        """Time the prepared case."""
        assert self._prepared is not None
        return measure(self._prepared.run, seconds)

    def probe(self, seconds: float, most_bytes: int) -> dict[str, Any]:
        """Measure what the silicon gives."""
        return probes.probe(seconds, most_bytes, self._threads).to_json()

    def peak_memory(self, case: dict[str, Any]) -> int:
        """Measure the memory of a case, in a process that has run nothing else."""
        assert self._engine is not None
        return memory.peak_of_case(self._engine, Case(**case))


def serve(requests: TextIO, answers: TextIO, engine: str, threads: int) -> None:
    """Start the engine, then answer until the requests end."""

    def reply(work: Callable[..., Any], *arguments: Any) -> None:
        try:
            answer = {"result": work(*arguments)}
        except Exception as error:
            message = " ".join(str(error).split())[:300]
            answer = {"error": f"{type(error).__name__}: {message}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    server = Server(threads)
    reply(server.start, engine)
    for line in requests:
        reply(server.answer, json.loads(line))


def main() -> None:
    """Serve on stdin and stdout; what the engine itself prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers, sys.argv[1], int(sys.argv[2]))


if __name__ == "__main__":
    main()
