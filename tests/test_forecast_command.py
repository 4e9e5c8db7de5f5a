"""`tidegate forecast`: a whole run, and one readable line with exit status 2 for each bad input."""

import csv
from unittest.mock import Mock

import numpy as np
import pytest

import tolerances
from interrupted import interrupted_run
from tidegate import cli
from tidegate.forecast.forecaster import Forecaster
from tidegate.forecast.load import load_series, rows_needed

DAYS = 200
ABSENT = ("tqdm", "pandas", "statsmodels", "matplotlib", "safetensors")


def values(n=DAYS):
    t = np.arange(n)
    noise = np.random.default_rng(0).normal(0, 0.3, n)
    return 50 + 0.02 * t + 3 * np.cos(2 * np.pi * t / 7) + noise


def write(path, numbers, header="day,load"):
    first = np.datetime64("2024-01-01")
    rows = [f"{first + t},{number}" for t, number in enumerate(numbers)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def data(tmp_path):
    numbers = [f"{number:.3f}" for number in values()]
    numbers[20] = numbers[150] = ""
    return write(tmp_path / "load.csv", numbers)


@pytest.fixture
def forecast(data, tmp_path, capsys, monkeypatch):
    """Run the command in its own folder; return exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, file=data, column="load", horizon="14"):
        given = ["forecast", str(file), "--column", column, "--horizon", str(horizon)]
        status = cli.main([*given, *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_a_whole_run(forecast, tmp_path):
    status, out, err = forecast(
        "--time", "day", "--plot", "load.png", "--save-model", "load.safetensors"
    )
    assert status == 0, err
    assert "load: 200 steps from 2024-01-01 to 2024-07-18, 2 missing, season 7" in out
    assert "held out: 33 steps from 2024-06-16, forecast from 20 origins, 14 steps" in out
    assert "\nseasonal naive " in out
    assert "\nGRU " in out
    with (tmp_path / "forecast.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["day", "load"]
    assert [rows[0][0], rows[-1][0]] == ["2024-07-19", "2024-08-01"]
    t = np.arange(DAYS, DAYS + 14)
    truth = 50 + 0.02 * t + 3 * np.cos(2 * np.pi * t / 7)
    error = np.array([float(value) for _, value in rows]) - truth
    assert np.sqrt(np.mean(error**2)) < 0.6
    assert (tmp_path / "load.png").read_bytes().startswith(b"\x89PNG")
    series = load_series(tmp_path / "load.csv", "load", "day", horizon=14)
    network = Forecaster.load(tmp_path / "load.safetensors")
    again = network.predict(series, np.array([DAYS - 1]))[0]
    np.testing.assert_allclose(
        again, [float(value) for _, value in rows], rtol=tolerances.FORECAST_FILE
    )


def test_without_times_the_rows_count(forecast, tmp_path):
    status, out, _ = forecast("--epochs", "1", "--cell", "lstm", "--output", "out.csv", horizon=3)
    assert status == 0
    assert "load: 200 steps from 1 to 200" in out
    assert "\nLSTM " in out
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["row", "201", "202", "203"]


def test_one_seed_gives_one_file(forecast, tmp_path):
    files = []
    for seed in (1, 1, 2):
        assert forecast("--seed", seed, "--epochs", "1", "--force")[0] == 0
        files.append((tmp_path / "forecast.csv").read_bytes())
    assert files[0] == files[1] != files[2]


def test_rows_without_a_value_at_both_ends_are_trimmed(forecast, tmp_path):
    numbers = ["", "", *(f"{number:.3f}" for number in values()), "", ""]
    path = write(tmp_path / "trim.csv", numbers)
    status, out, _ = forecast("--time", "day", "--epochs", "1", file=path, horizon=1)
    assert status == 0
    assert "200 steps from 2024-01-03 to 2024-07-20, 0 missing" in out
    assert "2024-07-21" in (tmp_path / "forecast.csv").read_text()


def test_a_network_that_loses_is_not_praised(forecast, tmp_path):
    line = write(tmp_path / "line.csv", np.arange(200.0))
    status, out, _ = forecast("--epochs", "1", "--season", "1", file=line)
    assert status == 0
    assert "GRU is no better than last value + drift on the held-out part" in out


def refused(outcome, *words):
    status, out, err = outcome
    assert status == 2
    assert out == ""
    assert err.startswith("tidegate forecast: error: ")
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err


def test_a_large_offset_keeps_its_digits(forecast, tmp_path):
    path = write(tmp_path / "offset.csv", [f"{1e9 + number:.3f}" for number in values()])
    assert forecast("--epochs", "1", file=path)[0] == 0
    rows = (tmp_path / "forecast.csv").read_text().splitlines()[1:]
    forecasts = np.array([float(row.partition(",")[2]) for row in rows]) - 1e9
    assert np.ptp(forecasts) > 2
    assert forecasts.min() > 40


def test_a_file_without_a_header(forecast, tmp_path):
    path = write(tmp_path / "bare.csv", values(), header="2023-12-31,1.5")
    refused(forecast(file=path), '"2023-12-31", "1.5"', "The first row must name the columns.")


def test_a_name_that_the_font_lacks(forecast, tmp_path):
    path = write(tmp_path / "name.csv", values(), header="日,負荷")
    status, _, err = forecast("--epochs", "1", "--plot", "x.png", file=path, column="負荷")
    assert (status, "Glyph" in err) == (0, False)


def test_missing_column(forecast):
    refused(forecast(column="loads"), 'no column "loads"', '"day", "load"', 'Did you mean "load"?')
    refused(forecast("--time", "date"), 'no column "date"; the columns are "day", "load"')


def test_text_in_numbers(forecast, tmp_path):
    path = write(tmp_path / "text.csv", [1, 2, "broken", 4])
    refused(forecast(file=path), 'text.csv: line 4, column "load": "broken" is not a finite number')


def test_too_few_rows(forecast, tmp_path):
    path = write(tmp_path / "few.csv", values(30))
    needed = rows_needed(14, 1)
    words = ("has 30 steps", f"expected at least {needed}", "horizon 14", "a shorter --horizon")
    refused(forecast(file=path), *words)
    path = write(tmp_path / "one_less.csv", values(needed - 1))
    refused(forecast(file=path, horizon=14), f"expected at least {needed}")
    path = write(tmp_path / "enough.csv", values(needed))
    assert forecast("--epochs", "1", "--season", "1", file=path)[0] == 0


def test_too_few_rows_for_the_season_asked_for(forecast):
    outcome = forecast("--season", "90")
    refused(outcome, f"at least {rows_needed(14, 90)}", f"--season 1 needs {rows_needed(14, 1)}")


def test_a_horizon_of_any_size_is_answered_at_once(forecast):
    refused(forecast(horizon=10**9), "has 200 steps", "a shorter --horizon needs fewer")


@pytest.mark.parametrize("option", ["--output", "--plot", "--save-model"])
def test_unwritable_paths(forecast, tmp_path, option, monkeypatch):
    no_training = Mock(side_effect=AssertionError("trained before the path was checked"))
    monkeypatch.setattr("tidegate.forecast.command.train", no_training)
    refused(forecast(option, "absent/x.png"), f"{option} absent/x.png: the folder absent does not")
    refused(forecast(option, "load.csv/x.png"), "the folder load.csv is not a directory")
    refused(forecast(option, tmp_path), "is a directory; expected the name of a file")
    refused(forecast(option, "load.csv"), "load.csv: is the input; expected another file")


@pytest.mark.parametrize("option", ["--output", "--plot", "--save-model"])
def test_nothing_is_replaced_without_force(forecast, tmp_path, option):
    (tmp_path / "old.png").write_text("precious")
    words = (f"{option} old.png: is there already", "give --force to replace it")
    refused(forecast(option, "old.png"), *words)
    assert (tmp_path / "old.png").read_text() == "precious"


def test_a_model_file_ends_in_safetensors(forecast):
    words = ("--save-model m.onnx: expected a name that ends in .safetensors", "tidegate convert")
    refused(forecast("--save-model", "m.onnx"), *words)


def test_a_read_only_disk(forecast, monkeypatch):
    refuse = Mock(side_effect=OSError(30, "Read-only file system"))
    monkeypatch.setattr("tidegate.forecast.outputs.tempfile.TemporaryFile", refuse)
    refused(forecast(), "--output: nothing can be written into .", "Read-only file system")


def test_a_picture_of_unknown_kind(forecast):
    refused(forecast("--plot", "load.docx"), "--plot load.docx: a picture ends in one of", ".png")


def test_files_that_are_not_there(forecast, tmp_path):
    refused(forecast(file="absent.csv"), "absent.csv: no such file")
    refused(forecast(file=tmp_path), "is a directory; expected a CSV file")
    (tmp_path / "empty.csv").touch()
    refused(forecast(file="empty.csv"), "empty.csv: the file is empty")


def test_bad_encoding(forecast, tmp_path):
    (tmp_path / "latin.csv").write_bytes(b"load\n1\n\xfc\n")
    refused(forecast(file="latin.csv"), "line 3: byte 0xfc is not utf-8", "--encoding latin-1")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["2024-01-01,1", "2024-01-01,2"], ["line 3", "repeats the time above it"]),
        (["2024-01-02,1", "2024-01-01,2"], ["line 3", "sort the rows, oldest first"]),
        (["2024-01-01,1", "yesterday,2"], ["line 3", '"yesterday" is not a time']),
        (["2024-01-01,1", "2024-01-02,2", "2024-01-03,1", "2024-01-03 12:00,2"], ["line 5"]),
    ],
    ids=["duplicate", "unsorted", "unparsable", "uneven"],
)
def test_bad_times(forecast, tmp_path, rows, words):
    (tmp_path / "times.csv").write_text("\n".join(["day,load", *rows]) + "\n")
    refused(forecast("--time", "day", file="times.csv"), "times.csv", *words)


def test_series_with_nothing_to_learn(forecast, tmp_path):
    path = write(tmp_path / "flat.csv", np.full(200, 3.5))
    refused(forecast(file=path), 'column "load" is always 3.5; there is nothing to forecast')
    path = write(tmp_path / "nan.csv", [""] * 200)
    refused(forecast(file=path), 'column "load" has no number in any of its 200 rows')
    path = write(tmp_path / "huge.csv", values() * 1e30)
    refused(forecast(file=path), "has values beyond 1e30")


@pytest.mark.parametrize(
    "argument",
    [f"--horizon={bad}" for bad in ("0", "-3", "many", "2.5")]
    + ["--season=0", "--epochs=0", "--seed=-1", "--cell=transformer"],
)
def test_options_out_of_range(forecast, capsys, argument):
    with pytest.raises(SystemExit, match="2"):
        forecast(argument)
    option, _, value = argument.partition("=")
    assert f"error: argument {option}: " in (err := capsys.readouterr().err)
    assert value in err


def test_a_missing_option_is_wrong_usage(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["forecast", "load.csv"])
    assert "required: --column, --horizon" in capsys.readouterr().err


def test_forecast_needs_no_extra(data, tmp_path, fresh_python):
    """NumPy is enough; what only extras can do says so before any work."""
    code = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from importlib import util
from tidegate import cli
util.find_spec = lambda name: None
given = ["forecast", {str(data)!r}, "--column", "load", "--horizon", "7", "--epochs", "1"]
sys.exit(cli.main(given) or cli.main([*given, "--force", "--plot", "x.png"]))
"""
    done = fresh_python(code, cwd=tmp_path)
    assert (tmp_path / "forecast.csv").exists(), done.stderr
    assert done.returncode == 1
    assert "needs the package matplotlib, which is not installed; run: pip" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_ctrl_c_exits_with_130_and_no_traceback(data, tmp_path):
    arguments = ["forecast", str(data), "--column", "load", "--horizon=7", "--epochs=10000000"]
    status, _, err = interrupted_run(arguments, tmp_path, until="epoch 2/", stream="stderr")
    assert status == 130
    assert err.splitlines()[-1] == "tidegate forecast: interrupted"
    assert "Traceback" not in err
    assert not (tmp_path / "forecast.csv").exists()
