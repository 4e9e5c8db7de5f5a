"""Run cases: every engine in its own process, checked first, then timed in interleaved rounds."""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np

from tidegate.bench.case import Case
from tidegate.bench.check import compare
from tidegate.bench.engines import OURS, engine_class
from tidegate.bench.probes import Silicon
from tidegate.bench.problem import Arrays
from tidegate.bench.process import Worker, WorkerDied, WorkerError
from tidegate.bench.report import Outcome, Row, Timing

REST = 0.02  # seconds in which the idle threads of the last engine stop spinning


@dataclass
class Runner:
    """Holds one process per engine; a context manager.

    Attributes
    ----------
    peers : list of str
    threads, rounds : int
    seconds : float
        Per engine, case and round.
    probe_seconds : float
        Per rate and round.
    most_bytes : int
        See `tidegate.bench.probes.probe`.
    timeout : float
        See `tidegate.bench.process.Worker`.
    start : callable
        Makes the process of an engine.
    """

    peers: list[str]
    threads: int
    rounds: int
    seconds: float
    probe_seconds: float
    most_bytes: int
    timeout: float
    start: Callable[[str, int, float], Worker] = Worker
    _workers: dict[str, Worker] = field(default_factory=dict)

    def __enter__(self) -> "Runner":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()

    def probe(self, seconds: float) -> Silicon:
        """Measure the silicon where tidegate is measured, for some seconds per rate."""
        given = self._worker(OURS).ask("probe", seconds=seconds, most_bytes=self.most_bytes)
        return Silicon.from_json(given)

    def run(self, case: Case) -> Row:
        """Check and time one case."""
        outcomes: dict[str, Outcome] = {}
        ours: Arrays = {}
        with tempfile.TemporaryDirectory() as folder:
            for engine in (OURS, *self.peers):
                outcome, result = self._prepare(engine, case, Path(folder))
                if engine == OURS:
                    ours = result
                if outcome.status == "timed":
                    worst, fault = compare(result, ours)
                    outcome = Outcome("wrong" if fault else "timed", fault, deviation=worst)
                outcomes[engine] = outcome
                if engine == OURS and outcome.status != "timed":
                    return Row(case, outcomes)  # nothing to compare the others with
        return self._rounds(case, outcomes)

    def _prepare(self, engine: str, case: Case, folder: Path) -> tuple[Outcome, Arrays]:
        """Let an engine prepare a case; return its result."""
        refusal = engine_class(engine).refusal(case)
        if refusal is not None:
            return Outcome("absent", refusal), {}
        path = folder / f"{engine}.npz"
        try:
            self._worker(engine).ask("prepare", case=asdict(case), result=str(path))
        except WorkerError as error:
            return self._failure(engine, error), {}
        with np.load(path, allow_pickle=False) as arrays:
            result = dict(arrays)
        path.unlink()
        return Outcome("timed"), result

    def _rounds(self, case: Case, outcomes: dict[str, Outcome]) -> Row:
        """Time all engines that are right, in another order in each round."""
        times: dict[str, list[float]] = {
            engine: [] for engine, outcome in outcomes.items() if outcome.status == "timed"
        }
        busy: dict[str, float] = {}
        silicon: list[Silicon] = []
        for number in range(self.rounds):
            silicon.append(self.probe(self.probe_seconds))
            for engine in _rotated(list(times), number):
                time.sleep(REST)
                try:
                    measured, cpus = self._worker(engine).ask("measure", seconds=self.seconds)
                except WorkerError as error:
                    outcomes[engine] = self._failure(engine, error)
                    del times[engine]
                    continue
                times[engine] += measured
                busy[engine] = max(cpus, busy.get(engine, 0))
        for engine, measured in times.items():
            timing = Timing.of(measured, busy[engine])
            outcomes[engine] = Outcome("timed", "", timing, outcomes[engine].deviation)
        return Row(case, outcomes, silicon)

    def _worker(self, engine: str) -> Worker:
        """Return the process of an engine, started when it is first needed."""
        if engine not in self._workers:
            self._workers[engine] = self.start(engine, self.threads, self.timeout)
        return self._workers[engine]

    def _failure(self, engine: str, error: WorkerError) -> Outcome:
        """Forget a process that died, so that the next case gets a new one."""
        if isinstance(error, WorkerDied) and engine in self._workers:
            self._workers.pop(engine).close()
        return Outcome("failed", str(error))


def _rotated(engines: list[str], number: int) -> Iterator[str]:
    """Yield the engines, starting one further in each round."""
    start = number % len(engines) if engines else 0
    yield from engines[start:] + engines[:start]
