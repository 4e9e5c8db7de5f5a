"""Engines in processes of their own: what they answer, and what becomes of those that fail."""

import io
import json
import time

import numpy as np
import pytest

from tidegate.bench import runner as runner_module
from tidegate.bench import worker
from tidegate.bench.case import Case
from tidegate.bench.check import compare
from tidegate.bench.engines import engine_class
from tidegate.bench.engines.engine import Prepared, fastest
from tidegate.bench.process import Worker, WorkerDied, WorkerError
from tidegate.bench.runner import Runner

TINY = Case("lstm", False, 3, 2, 4, 5)
SAME_SIZES = {"kind": "gru", "training": False, "steps": 3, "batch": 2, "inputs": 4, "hidden": 5}

# An engine that misbehaves as its name says; otherwise it is tidegate.
ODD_ENGINE = """
import os, signal, sys, time
from tidegate.bench import worker
from tidegate.bench.engines.engine import Prepared
from tidegate.bench.engines.tidegate import Engine

name = sys.argv[1]

class Odd(Engine):
    def __init__(self, threads):
        super().__init__(threads)
        if name == "absent":
            raise ImportError("no module of that name")

    def prepare(self, problem):
        print("engines print what they like")
        if name == "raises":
            raise RuntimeError("no\\nsuch kernel")
        if name == "dies":
            print("out of luck", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "hangs":
            time.sleep(100)
        good = super().prepare(problem)
        calls = []

        def run():
            calls.append(1)
            if name == "dies_later" and len(calls) > 1:
                sys.exit(3)
            return good.run()

        def result():
            arrays = good.result()
            return {k: a + 1 for k, a in arrays.items()} if name == "wrong" else arrays

        return Prepared(run, result)

worker.engine_class = lambda name: Odd
worker.main()
"""


def start(engine, threads=1, timeout=60.0):
    program = ("-m", "tidegate.bench.worker") if engine == "tidegate" else ("-c", ODD_ENGINE)
    return Worker(engine, threads, timeout, program)


@pytest.fixture
def odd_engines(monkeypatch):
    monkeypatch.setattr(runner_module, "engine_class", lambda name: engine_class("tidegate"))
    monkeypatch.setattr(runner_module, "REST", 0.0)


def make_runner(peers, starter=start):
    return Runner(
        peers,
        threads=1,
        rounds=2,
        seconds=0.002,
        probe_seconds=0.001,
        most_bytes=8192,
        timeout=20.0,
        start=starter,
    )


def test_a_worker_answers_with_results_times_and_rates(tmp_path):
    process = start("tidegate")
    try:
        path = tmp_path / "result.npz"
        assert process.ask("prepare", case=SAME_SIZES, result=str(path)) is None
        with np.load(path) as arrays:
            assert arrays["y"].shape == (3, 2, 5)
        times, cpus = process.ask("measure", seconds=0.01)
        assert len(times) > 1 and min(times) > 0 and cpus >= 0
        assert sum(times) < 10
        rates = process.ask("probe", seconds=0.001, most_bytes=16384)
        assert list(rates["read"]) == ["8192", "16384"]
        with pytest.raises(WorkerError, match="KeyError: 'nonsense'"):
            process.ask("nonsense")
        assert process.ask("measure", seconds=0.001)[0]  # still there
    finally:
        process.close()


def test_times_are_of_single_calls_after_a_warm_one():
    calls = []

    def run():
        calls.append(1)
        time.sleep(0.002)

    times, cpus = worker.measure(run, 0.0)
    assert len(times) == 1
    assert len(calls) == 2
    assert times[0] >= 0.002
    assert cpus < 1.5


@pytest.mark.parametrize(
    ("engine", "error", "message"),
    [
        ("raises", WorkerError, "^RuntimeError: no such kernel$"),
        ("dies", WorkerDied, "ended by signal 9 after: out of luck"),
    ],
)
def test_an_engine_that_fails_is_reported(tmp_path, engine, error, message):
    process = start(engine)
    try:
        with pytest.raises(error, match=message):
            process.ask("prepare", case=SAME_SIZES, result=str(tmp_path / "result.npz"))
    finally:
        process.close()


def test_an_engine_that_does_not_answer_is_ended(tmp_path):
    process = start("hangs")
    process._timeout = 0.5  # less than the start may take
    try:
        with pytest.raises(WorkerDied, match="signal 9"):
            process.ask("prepare", case=SAME_SIZES, result=str(tmp_path / "result.npz"))
        with pytest.raises(WorkerDied):
            process.ask("measure", seconds=0.1)
    finally:
        process.close()


def test_an_engine_that_does_not_import_is_reported():
    with pytest.raises(WorkerError, match="ImportError: no module of that name"):
        start("absent")


def test_a_run_goes_on_without_what_fails(odd_engines):
    peers = ["good", "wrong", "raises", "dies", "dies_later", "absent"]
    with make_runner(peers) as runner:
        for case in (TINY, Case("gru", True, 3, 2, 4, 5)):
            row = runner.run(case)
            assert list(row.outcomes) == ["tidegate", *peers]
            status = {engine: outcome.status for engine, outcome in row.outcomes.items()}
            assert status == {
                "tidegate": "timed",
                "good": "timed",
                "wrong": "wrong",
                "raises": "failed",
                "dies": "failed",
                "dies_later": "failed",
                "absent": "failed",
            }
            assert len(row.silicon) == 2
            assert row.outcomes["good"].deviation == 0
            assert row.timing("good").count >= 2
            assert "is off by" in row.outcomes["wrong"].reason
            assert "signal 9" in row.outcomes["dies"].reason
            assert "with status 3" in row.outcomes["dies_later"].reason
            for engine in peers[1:]:
                assert row.timing(engine) is None


def test_nothing_is_measured_when_tidegate_itself_fails(odd_engines):
    with make_runner(["good"], lambda engine, *rest: start("raises", *rest)) as runner:
        row = runner.run(TINY)
    assert {engine: o.status for engine, o in row.outcomes.items()} == {"tidegate": "failed"}


class Recorder:
    """A process that answers at once and notes what it is asked for."""

    log: list

    def __init__(self, engine, threads, timeout):
        self.engine = engine

    def ask(self, do, **arguments):
        self.log.append((self.engine, do))
        if do == "prepare":
            with open(arguments["result"], "wb") as file:
                np.savez(file, y=np.zeros((3, 2, 5), np.float32))
        if do == "measure":
            return [2.0, 1.0, 3.0], 1.0
        return {"fma": {"float32": 1.0}, "read": {}} if do == "probe" else None

    def close(self):
        self.log.append((self.engine, "close"))


def test_rounds_are_interleaved(odd_engines):
    Recorder.log = []
    with make_runner(["a", "b"], Recorder) as runner:
        row = runner.run(TINY)
    assert Recorder.log == [
        *((engine, "prepare") for engine in ("tidegate", "a", "b")),
        ("tidegate", "probe"),
        *((engine, "measure") for engine in ("tidegate", "a", "b")),
        ("tidegate", "probe"),
        *((engine, "measure") for engine in ("a", "b", "tidegate")),
        *((engine, "close") for engine in ("tidegate", "a", "b")),
    ]
    timing = row.timing("a")
    assert (timing.best, timing.median, timing.count) == (1.0, 2.0, 6)


def test_serve_answers_each_line_with_a_line(monkeypatch):
    answers = io.StringIO()
    requests = io.StringIO('{"do": "measure", "seconds": 0}\n{"do": "nonsense"}\n')
    monkeypatch.setattr(worker, "engine_class", lambda name: lambda threads: None)
    worker.serve(requests, answers, "any", 1)
    lines = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert [list(line) for line in lines] == [["result"], ["error"], ["error"]]


def test_fastest_takes_the_quickest_variant():
    def variant(seconds):
        return Prepared(lambda: time.sleep(seconds), dict)

    slow, quick = variant(0.02), variant(0.0)
    assert fastest([slow, quick], seconds=0.01) is quick
    assert fastest([quick, slow], seconds=0.01) is quick


Y = np.array([[1.0, -4.0], [0.0, 2.0]], np.float32)


@pytest.mark.parametrize(
    ("got", "worst", "fault"),
    [
        (Y, 0.0, ""),
        (Y + np.float32(2e-4), 5e-5, ""),
        (Y + np.float32(4e-3), 1e-3, "y is off by 1.0e-03 of its largest element"),
        (np.where(Y == 2, np.nan, Y).astype("f"), np.inf, "y is off by inf"),
        (Y.astype(np.float64), 0.0, "y is float64 (2, 2), expected float32 (2, 2)"),
        (Y[:1], 0.0, "y is float32 (1, 2), expected float32 (2, 2)"),
    ],
    ids=["same", "close", "off", "nan", "dtype", "shape"],
)
def test_compare(got, worst, fault):
    found, text = compare({"y": got}, {"y": Y})
    assert found == pytest.approx(worst, rel=1e-2)
    assert text.startswith(fault) and bool(text) == bool(fault)


def test_compare_forgives_a_summed_bias_and_nothing_else():
    ours = {"bias_hh, layer 0": Y, "weight_hh, layer 0": Y}
    assert compare({"weight_hh, layer 0": Y}, ours) == (0.0, "")
    assert compare({"bias_hh, layer 0": Y}, ours) == (0.0, "weight_hh, layer 0 is absent")
