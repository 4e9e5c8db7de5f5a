"""The suite options: every option runs, beside the plain layer, and is written to a file."""

import json

import pytest

from tidegate import cli
from tidegate.bench import options


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(options, "SIZES", ((3, 2, 4, 8),))


def test_every_option_runs(tiny, tmp_path, capsys):
    path = tmp_path / "options.json"
    arguments = ["--rounds", "1", "--seconds", "1e-4", "--threads", "1", "--output", str(path)]
    assert cli.main(["bench", "--suite", "options", *arguments]) == 0
    rows = json.loads(path.read_text())["rows"]
    lstm = len(options.OPTIONS)
    gru = sum("gru" in option.kinds for option in options.OPTIONS)
    assert len(rows) == 2 * (lstm + gru)
    assert all(row["seconds"] > 0 and row["plain_seconds"] > 0 for row in rows)
    shown = capsys.readouterr().out
    assert "x plain" in shown
    assert all(option.name in shown for option in options.OPTIONS)


def test_nothing_to_measure(capsys):
    assert cli.main(["bench", "--suite", "options", "--only", "no such option"]) == 2
    assert "nothing has these --cells" in capsys.readouterr().err


def test_only_takes_the_name_of_an_option():
    chosen = list(options.cases(["inference"], ["gru"], "activation=elu"))
    assert {option.name for _, option in chosen} == {"activation=elu"}
    assert len(chosen) == len(options.SIZES)
