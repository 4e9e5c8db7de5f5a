"""Reports with injected numbers, for the tests of what is made from them."""

from tidegate.bench.case import Case
from tidegate.bench.probes import Silicon
from tidegate.bench.report import Outcome, Report, Row, Timing

LSTM = Case("lstm", False, 100, 16, 256, 256)
GRU = Case("gru", False, 100, 16, 256, 256)
TRAINING = Case("gru", True, 10, 32, 1, 10)
SILICON = Silicon(
    {"float32": 200.0, "float64": 100.0}, {8192: 400.0, 1 << 20: 200.0, 1 << 26: 30.0}
)


def timed(best, median=None, deviation=1e-7):
    return Outcome("timed", "", Timing(best, median or 1.25 * best, 40, 1.9), deviation)


def make_report(rows, peers=("torch", "jax"), **changes):
    machine = {
        "cpu": "Some CPU",
        "cpus": 2,
        "os": "Linux",
        "git": None,
        "tidegate": {"version": "0.1.0", "isa": "v4"},
    }
    versions = {"tidegate": {"tidegate": "0.1.0", "numpy": "2.0"}}
    versions |= {peer: {peer: "1.2"} for peer in peers}
    given = {
        "machine": machine,
        "caches": [{"name": "L1", "size": 32 << 10, "instances": 2, "bytes_per_thread": 32 << 10}],
        "versions": versions,
        "threads": 2,
        "options": {"suite": "quick", "rounds": 2, "seconds": 0.1},
        "silicon": SILICON,
        "rows": rows,
    }
    return Report(**given | changes)


def full_report():
    """Two passes; every kind of outcome."""
    return make_report(
        [
            Row(LSTM, {"tidegate": timed(0.010), "torch": timed(0.015), "jax": timed(0.012)}),
            Row(
                GRU,
                {
                    "tidegate": timed(0.008),
                    "torch": Outcome("wrong", "y is off by 3.0e-01", None, 0.3),
                    "jax": timed(0.006),
                },
                [SILICON],
            ),
            Row(
                TRAINING,
                {
                    "tidegate": timed(0.0001, 0.0002),
                    "torch": Outcome("failed", "the process ended by signal 11"),
                    "jax": Outcome("absent", "no such thing"),
                },
            ),
        ]
    )
