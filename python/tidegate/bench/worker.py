"""One engine in one process: reads cases as JSON lines, answers with times in seconds."""

import json
import sys
import time

from tidegate.bench.cases import Case
from tidegate.bench.engines import ENGINES, Run


def peak(threads: int) -> float:
    """Return the FMA peak in GFLOP/s, float32."""
    from tidegate._loader import core

    rate: float = core.fma_peak32(0.2, threads)
    return rate


def measure(run: Run, seconds: float) -> list[float]:
    """Time single runs for about `seconds`, at least three."""
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return times


def main() -> None:
    """Serve until the input ends."""
    engine, threads = sys.argv[1], int(sys.argv[2])
    prepared: dict[Case, Run] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if request["case"] is None:
            answer = [peak(threads)]
        else:
            case = Case(*request["case"])
            if case not in prepared:
                prepared.clear()
                run = prepared[case] = ENGINES[engine](case, threads)
                measure(run, 0.05)  # warm-up
            answer = measure(prepared[case], request["seconds"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
