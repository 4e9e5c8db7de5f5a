"""`tidegate demo` at reduced size in the default run; the promise of five seeds in the slow run."""

import csv
import re
import sys

import numpy as np
import pytest

import tidegate as tg
import tolerances
from tidegate import cli
from tidegate.demo.co2 import load_co2
from tidegate.forecast.forecaster import Forecaster

FILES = {
    "forecast.png",
    "forecasts.csv",
    "gru.safetensors",
    "lstm.safetensors",
    "scores.csv",
}


def scores(folder):
    with (folder / "scores.csv").open(newline="") as file:
        return {
            row["method"]: (float(row["rmse"]), float(row["mae"])) for row in csv.DictReader(file)
        }


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "made" / "on the way"
    assert cli.main(["demo", "--quick", "--output", str(folder)]) == 0
    return folder


def test_the_record_keeps_its_gaps():
    series = load_co2()
    assert (len(series), int(series.missing.sum())) == (2284, 59)
    assert series.axis.label(0) == "1958-03-29"
    assert series.axis.label(len(series) - 1) == "2001-12-29"
    assert (series.values[0], series.values[-1]) == (316.1, 371.5)


def test_the_demo_writes_table_picture_and_networks(quick):
    assert {file.name for file in quick.iterdir()} == FILES
    assert (quick / "forecast.png").read_bytes().startswith(b"\x89PNG")


def test_the_demo_prints_what_it_writes(tmp_path, capsys):
    assert cli.main(["demo", "--quick", "--seed", "3", "--output", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    for method, (rmse, mae) in scores(tmp_path).items():
        row = next(line for line in captured.out.splitlines() if line.startswith(f"{method}  "))
        assert row.split()[-3:-1] == [f"{rmse:#.4g}", f"{mae:#.4g}"]
    assert f"written to {tmp_path}: forecast.png, " in captured.out
    assert re.search(r"epoch \d+/\d+: 100%", captured.err)
    assert "GRU: rolling origins: 100%" in captured.err


def test_even_the_quick_networks_beat_seasonal_naive(quick):
    table = scores(quick)
    assert list(table) == ["seasonal naive", "seasonal naive + drift", "LSTM", "GRU"]
    for network in ("LSTM", "GRU"):
        for mine, naive in zip(table[network], table["seasonal naive"], strict=True):
            assert mine < 0.6 * naive


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_saved_networks_forecast_again(quick, cell):
    network = Forecaster.load(quick / f"{cell}.safetensors")
    assert type(tg.load(quick / f"{cell}.safetensors")).__name__ == "Sequential"
    series = load_co2()
    with (quick / "forecasts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["week"] for row in rows] == [series.axis.label(t) for t in range(2232, 2284)]
    again = network.predict(series, np.array([2231]))[0]
    written = [float(row[cell.upper()]) for row in rows]
    np.testing.assert_allclose(again, written, atol=tolerances.DEMO_FILE)
    assert [float(row["truth"]) for row in rows] == series.values[-52:].tolist()


def test_a_file_in_the_way(tmp_path, capsys):
    (tmp_path / "taken").touch()
    for path in (tmp_path / "taken", tmp_path / "taken" / "below"):
        assert cli.main(["demo", "--output", str(path)]) == 2
        err = capsys.readouterr().err
        assert err.startswith(f"tidegate demo: error: --output {path}: a file is in the way")
        assert len(err.splitlines()) == 1


def test_a_missing_package_is_named_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    assert cli.main(["demo", "--output", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert 'pip install "tidegate[demo]"' in err
    assert len(err.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_both_networks_beat_both_baselines_for_each_seed(seed, tmp_path):
    assert cli.main(["demo", "--seed", str(seed), "--output", str(tmp_path)]) == 0
    table = scores(tmp_path)
    for network in ("LSTM", "GRU"):
        for mine, naive, drift in zip(
            table[network], table["seasonal naive"], table["seasonal naive + drift"], strict=True
        ):
            assert mine < 0.5 * naive
            assert mine < drift
