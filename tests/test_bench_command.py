"""`tidegate bench` from the command line to its files."""

import argparse
import json
import sys

import pytest

from bench_reports import full_report
from tidegate import cli
from tidegate.bench import command, machine, memory, report, session, suites
from tidegate.bench.case import Case

QUICKLY = ["--rounds", "1", "--seconds", "0.001", "--threads", "1"]


@pytest.fixture
def tiny_suite(monkeypatch):
    def cases(training):
        yield Case("lstm", training, 3, 2, 4, 5)
        yield Case("gru", training, 3, 2, 4, 5, layers=2, bidirectional=True)

    monkeypatch.setitem(suites.SUITES, "quick", cases)
    monkeypatch.setattr(machine, "largest_working_set", lambda levels, threads: 16384)
    monkeypatch.setattr(session, "FIRST_PROBE_SECONDS", 0.001)


def bench(*arguments):
    return cli.main(["bench", *map(str, arguments)])


def test_measures_alone_and_beside_its_baseline(tiny_suite, tmp_path, capsys):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert bench(*QUICKLY, "--peers", "--output", first) == 0
    out = capsys.readouterr().out
    assert "lstm inference (3, 2, 4, 5)" in out
    assert "gru training (3, 2, 4, 5) 2 layers bidirectional" in out
    assert "measured peaks" in out

    options = ["--passes", "training", "--only", "gru", "--baseline", first, "--output", second]
    assert bench(*QUICKLY, "--peers", *options) == 0
    out = capsys.readouterr().out
    assert "beside the baseline" in out
    written = json.loads(second.read_text())
    assert [row["label"] for row in written["rows"]] == [
        "gru training (3, 2, 4, 5) 2 layers bidirectional"
    ]
    (row,) = report.load("--show", second).rows
    assert row.timing().best > 0
    assert written["machine"]["tidegate"]["isa"]
    assert written["options"] == {"suite": "quick", "rounds": 1, "seconds": 0.001}


def test_shows_an_earlier_run_without_measuring(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(session, "Runner", None)
    path = tmp_path / "report.json"
    path.write_text(report.to_json(full_report()))
    assert bench("--show", path, "--markdown") == 1  # it has faults
    out, err = capsys.readouterr()
    assert "1.20x jax" in out
    assert "| gru (100, 16, 256, 256) | 8 |" in out
    assert "torch computes something else than tidegate" in err


def test_an_interrupted_run_keeps_what_it_has(tiny_suite, tmp_path, capsys, monkeypatch):
    run = session.Runner.run

    def interrupted(self, case):
        if case.layers == 2:
            raise KeyboardInterrupt
        return run(self, case)

    monkeypatch.setattr(session.Runner, "run", interrupted)
    path = tmp_path / "report.json"
    assert bench(*QUICKLY, "--peers", "--output", path) == 130
    assert "interrupted: the report has the cases above" in capsys.readouterr().err
    assert len(report.load("--show", path).rows) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")
def test_memory_is_measured_instead_of_time(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(memory, "CASES", (Case("lstm", True, 50, 16, 32, 64),))
    path = tmp_path / "report.json"
    assert bench("--memory", "--peers", "--threads", "1", "--output", path) == 0
    out = capsys.readouterr().out
    assert "lstm training (50, 16, 32, 64)" in out
    (row,) = report.load("--show", path).memory
    # At least y, dx and the four saved gates of every unit.
    assert row.peaks["tidegate"] > 4 * 50 * 16 * (5 * 64 + 32)
    assert bench("--show", path) == 0
    assert capsys.readouterr().out.splitlines()[:4] == out.splitlines()[:4]


def test_draws(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no pictures")
    path = tmp_path / "report.json"
    path.write_text(report.to_json(full_report()))
    bench("--show", path, "--picture", tmp_path / "picture.png")
    assert (tmp_path / "picture.png").exists()
    assert bench("--show", path, "--picture", tmp_path / "picture.txt") == 2
    assert "a picture ends in one of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("peer", "fix"),
    [("jax", 'pip install "tidegate[bench]"'), ("torch", "its CPU build")],
)
def test_a_peer_that_was_asked_for_must_be_there(monkeypatch, capsys, peer, fix):
    monkeypatch.setattr(command, "missing", lambda name: [name] if name == peer else [])
    assert bench("--peers", peer) == 2
    err = capsys.readouterr().err
    assert f"--peers {peer}: {peer} not installed; install it: {fix}" in err
    assert len(err.splitlines()) == 1


def test_peers_that_are_missing_are_left_out_by_default(monkeypatch):
    monkeypatch.setattr("tidegate.bench.engines.find_spec", lambda package: None)
    assert command._peers(None) == []
    monkeypatch.setattr("tidegate.bench.engines.find_spec", lambda package: package != "onnx")
    assert "jax" in command._peers(None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "nonsense"], 'no case has these --cells and a label with "nonsense"'),
        (["--suite", "standard", "--cells", "rnn", "--only", "bidirectional"], "no case has"),
        (["--threads", "5000"], "--threads 5000: expected at most"),
        (["--baseline", "nonsense.json"], "--baseline nonsense.json: No such file"),
        (["--output", "nonsense/file.json"], "the folder nonsense does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_must_be_mended(capsys, options, message):
    assert bench("--peers", "--passes", "training", *options) == 2
    err = capsys.readouterr().err
    assert err.startswith("tidegate bench: error: ")
    assert message in err


@pytest.mark.parametrize(
    "options",
    [
        ["--suite", "nonsense"],
        ["--peers", "nonsense"],
        ["--cells", "nonsense"],
        ["--rounds", "0"],
        ["--seconds", "-1"],
        ["--seconds", "nan"],
        ["--threads", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(capsys, options):
    with pytest.raises(SystemExit, match="2"):
        bench(*options)
    assert "usage: tidegate bench" in capsys.readouterr().err


def test_help_explains_every_option(capsys):
    with pytest.raises(SystemExit, match="0"):
        bench("--help")
    out = " ".join(capsys.readouterr().out.split())
    assert "CPU build" in out
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    for action in parser._actions:
        assert action.help
        assert action.option_strings[-1] in out
