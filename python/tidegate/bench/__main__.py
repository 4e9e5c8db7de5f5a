"""Command line of the benchmark: best and median times, ratios, percent of the FMA peak."""

import argparse
import json
import subprocess
import sys
from importlib.util import find_spec
from statistics import median
from typing import Any

from tidegate.bench.cases import SUITES, Case
from tidegate.bench.engines import ENGINES
from tidegate.runtime import get_num_threads, show_config
from tidegate.weights import GATES


class Worker:
    """An engine in its own process."""

    def __init__(self, engine: str, threads: int) -> None:
        command = [sys.executable, "-m", "tidegate.bench.worker", engine, str(threads)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, case: Case | None, seconds: float = 0.0) -> list[float]:
        """Return times of one round; for no case, the FMA peak."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"case": case, "seconds": seconds}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"the process of an engine ended; its command: {self._process.args!r}"
            )
        times: list[float] = json.loads(line)
        return times

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tidegate.bench", description=__doc__)
    parser.add_argument("--suite", choices=SUITES, default="quick")
    parser.add_argument("--cells", nargs="+", choices=GATES, default=["lstm", "gru"])
    parser.add_argument("--threads", type=int, default=get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="per engine, case and round")
    parser.add_argument("--peers", nargs="*", choices=[e for e in ENGINES if e != "tidegate"])
    parser.add_argument("--passes", nargs="+", choices=["inference", "training"])
    return parser.parse_args()


def run_case(workers: dict[str, Worker], case: Case, options: Any) -> None:
    """Measure one case with all engines, interleaved, and print its row."""
    times: dict[str, list[float]] = {name: [] for name in workers}
    peaks: list[float] = []
    for _ in range(options.rounds):
        peaks += workers["tidegate"].ask(None)
        for name, worker in workers.items():
            times[name] += worker.ask(case, options.seconds)
    ours = min(times["tidegate"])
    percent = 100 * case.flops / ours / 1e9 / max(peaks)
    row = f"{case.label:<40} {1e3 * ours:9.3f} {1e3 * median(times['tidegate']):9.3f}"
    row += f" {percent:6.1f}%"
    for name, values in times.items():
        if name != "tidegate":
            ratio = min(values) / ours
            mid = median(values) / median(times["tidegate"])
            row += f"  {name} {1e3 * min(values):9.3f} {ratio:6.2f}x {mid:6.2f}x"
    print(row, flush=True)


def main() -> int:
    """Run a suite."""
    options = arguments()
    peers = options.peers
    if peers is None:
        peers = [name for name in ENGINES if name != "tidegate" and find_spec(name)]
    show_config()
    print(f"\nthreads {options.threads}; milliseconds best, median; percent of the FMA peak of the")
    print("same run; per peer its best, and how many times slower it is by best and by median\n")
    workers = {name: Worker(name, options.threads) for name in ["tidegate", *peers]}
    try:
        for cell in options.cells:
            for name in options.passes or ["inference", "training"]:
                for shape in SUITES[options.suite]:
                    run_case(workers, Case(cell, name == "training", *shape), options)
    finally:
        for worker in workers.values():
            worker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
