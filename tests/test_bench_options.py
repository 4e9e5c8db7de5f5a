"""The suite options: every option runs, beside the plain layer, and is written to a file."""

import json

import pytest

from tidegate import cli
from tidegate.bench import options, options_table
from tidegate.bench.case import Case
from tidegate.bench.limits import limit
from tidegate.bench.probes import Silicon


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(options, "SIZES", ((3, 2, 4, 8),))


def test_every_option_runs(tiny, tmp_path, capsys):
    path = tmp_path / "options.json"
    arguments = ["--rounds", "1", "--seconds", "1e-4", "--threads", "1", "--output", str(path)]
    assert cli.main(["bench", "--suite", "options", "--markdown", *arguments]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert len(rows) == 2 * sum(len(option.kinds) for option in options.OPTIONS)
    assert all(row["seconds"] > 0 and row["plain_seconds"] > 0 for row in rows)
    shown = capsys.readouterr().out
    assert "x plain" in shown
    assert shown.count("| products |") == 2
    assert all(option.name in shown for option in options.OPTIONS)


FLAT = Silicon({"float32": 1.0}, {1024: 1e9})


def test_markdown_has_a_row_per_option_and_a_column_per_case():
    half = options.Option("half", products=lambda _: 0.5)
    lstm_only = options.Option("lstm only", ("lstm",))
    measured = []
    for kind in ("lstm", "gru"):
        case = Case(kind, False, 5, 4, 3, 2)
        seconds = limit(case, FLAT, 1).seconds
        more = Case(kind, True, 5, 4, 3, 2)
        measured.append(options.Measured(half, case, seconds, 2 * seconds))
        measured.append(options.Measured(half, more, seconds, 6 * seconds))
        if kind == "lstm":
            measured.append(options.Measured(lstm_only, case, 5 * seconds, 4 * seconds))
    lines = options_table.markdown(measured, FLAT, 1).splitlines()
    assert lines[3:] == [
        "| lstm | inference (5, 4, 3, 2) | training (5, 4, 3, 2) | products |",
        "|---|---|---|---|",
        "| plain | 50 % | 50 % | 1 |",
        "| half | 0.50×, 50 % | 0.17×, 150 % | 0.5 |",
        "| lstm only | 1.25×, 20 % | - | 1 |",
        "",
        "| gru | inference (5, 4, 3, 2) | training (5, 4, 3, 2) | products |",
        "|---|---|---|---|",
        "| plain | 50 % | 50 % | 1 |",
        "| half | 0.50×, 50 % | 0.17×, 150 % | 0.5 |",
    ]


def test_nothing_to_measure(capsys):
    assert cli.main(["bench", "--suite", "options", "--only", "no such option"]) == 2
    assert "nothing has these --cells" in capsys.readouterr().err


def test_only_takes_the_name_of_an_option():
    chosen = list(options.cases(["inference"], ["gru"], "activation=elu"))
    assert {option.name for _, option in chosen} == {"activation=elu"}
    assert len(chosen) == len(options.SIZES)
