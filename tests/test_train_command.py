"""`tidegate train` and `tidegate predict`: whole runs, and what their numbers must be."""

import numpy as np
import pytest
from safetensors import safe_open

from interrupted import interrupted_run
from table_files import SMALL, demand_rows, read_csv, write_csv
from tidegate import io
from tidegate.demo.co2 import load_co2
from tidegate.forecast.table import read_table
from tidegate.tabular import samples
from tidegate.tabular.model_file import TableModel
from tidegate.tabular.plan import Plan
from tidegate.tabular.rows import read_rows
from tidegate.tabular.scaling import Scaling

FORECAST = ("--task", "forecast", "--target", "demand", "--features", "temp", "--time", "day")


def content_of(path):
    """Return the checksum of metadata and arrays: safetensors writes metadata in any order."""
    with safe_open(path, framework="numpy") as file:
        return file.metadata()["checksum"]


def rmse_of(out, method):
    (line,) = [line for line in out.splitlines() if line.startswith(f"{method}  ")]
    return float(line.split()[-3])


def test_the_co2_record_is_forecast_better_than_by_its_last_value(command, tmp_path):
    pytest.importorskip("statsmodels", reason="bundles the CO2 record")
    series = load_co2()
    rows = [
        [series.axis.label(step), "" if np.isnan(value) else value]
        for step, value in enumerate(series.values)
    ]
    write_csv(tmp_path / "co2.csv", ["week", "co2"], rows)
    status, out, err = command(
        *("train", "co2.csv", "--target", "co2", "--task", "forecast", "--time", "week"),
        *("--window", 52, "--horizon", 13, "--missing", "carry", "--epochs", 6, "--stride", 3),
        *("--units", 16, "--learning-rate", 0.01),
    )
    assert status == 0, err
    assert "2284 rows, 1 sequence, a row every 1 week, 0 gaps" in out
    assert rmse_of(out, "GRU") < 0.6 * rmse_of(out, "last value")
    status, out, err = command("predict", "model.safetensors", "co2.csv")
    assert status == 0, err
    assert "week 2002-03-30" in out  # 13 weeks after the record ends
    assert rmse_of(out, "GRU") < 0.6 * rmse_of(out, "last value")


def test_a_forecast_goes_beyond_the_table_and_uses_nothing_after_its_window(
    command, demand, tmp_path
):
    status, _, err = command(
        "train", demand, *FORECAST, "--window", 14, "--horizon", 2, "--plot", "c.png", *SMALL
    )
    assert status == 0, err
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert command("predict", "model.safetensors", demand)[0] == 0
    whole = read_csv(tmp_path / "predictions.csv")
    assert (len(whole), whole[0]["day"], whole[-1]["day"]) == (147, "2023-01-16", "2023-06-11")
    assert whole[-1]["demand"] == "" and whole[-3]["demand"] != ""
    write_csv(tmp_path / "part.csv", ["day", "demand", "temp"], demand_rows()[:100])
    assert command("predict", "model.safetensors", "part.csv", "--output", "p.csv")[0] == 0
    part = read_csv(tmp_path / "p.csv")
    assert [row["demand_predicted"] for row in part] == [
        row["demand_predicted"] for row in whole[: len(part)]
    ]


def test_predictions_are_the_model_on_windows_scaled_by_hand(command, demand, tmp_path):
    given = ("--target", "demand", "--features", "temp", "--time", "day", "--window", 5)
    assert command("train", demand, *given, "--validation", 0, *SMALL)[0] == 0
    assert command("predict", "model.safetensors", demand)[0] == 0
    table = read_csv(demand)
    x = np.array([float(row["temp"]) for row in table])
    y = np.array([float(row["demand"]) for row in table])
    windows = np.lib.stride_tricks.sliding_window_view((x - x.mean()) / x.std(), 5)[..., None]
    answers = io.load("model.safetensors").predict(windows.astype(np.float32))[:, 0]
    expected = answers * y[4:].std() + y[4:].mean()
    found = [float(row["demand_predicted"]) for row in read_csv(tmp_path / "predictions.csv")]
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # float32 windows, nine digits


def test_whole_sequences_are_classified(command, gestures, tmp_path):
    given = ("--task", "classification", "--target", "gesture", "--group", "recording")
    rate = ("--learning-rate", 0.01, "--epochs", 30, "--units", 8)
    status, out, err = command("train", gestures, *given, *rate)
    assert status == 0, err
    assert "60 sequences" in out and "48 samples to train on, 12 to validate on" in out
    assert "GRU beats most frequent class." in out
    unlabelled = [[row["recording"], row["x"], row["y"]] for row in read_csv(gestures)]
    write_csv(tmp_path / "new.csv", ["recording", "x", "y"], unlabelled)
    status, out, err = command("predict", "model.safetensors", "new.csv", "--probabilities")
    assert status == 0, err
    assert "most frequent" not in out  # nothing to compare with
    rows = read_csv(tmp_path / "predictions.csv")
    assert [row["recording"] for row in rows] == [f"r{number}" for number in range(60)]
    right = sum(row["gesture_predicted"] == ("left", "right")[n % 2] for n, row in enumerate(rows))
    assert right >= 57
    for row in rows:
        chances = {name: float(row[f"probability_{name}"]) for name in ("left", "right")}
        assert sum(chances.values()) == pytest.approx(1, abs=1e-6)
        assert max(chances, key=chances.get) == row["gesture_predicted"]
        assert float(row["probability"]) == max(chances.values())


def test_groups_that_interleave_are_sequences_of_their_own(command, tmp_path):
    """The target is the mean of the last three values of the same machine."""
    x = np.random.default_rng(0).normal(size=(2, 90))
    rows = []
    for step in range(90):
        for machine in range(2):
            mean = x[machine, max(step - 2, 0) : step + 1].mean()
            rows.append([f"m{machine}", f"{x[machine, step]:.5f}", f"{mean:.5f}"])
    write_csv(tmp_path / "m.csv", ["machine", "x", "mean"], rows)
    given = ("--target", "mean", "--group", "machine", "--window", 3, "--epochs", 60)
    status, out, err = command("train", "m.csv", *given, "--learning-rate", 0.01)
    assert status == 0, err
    assert rmse_of(out, "GRU") < 0.2 * rmse_of(out, "mean of the training part")
    assert command("predict", "model.safetensors", "m.csv")[0] == 0
    found = read_csv(tmp_path / "predictions.csv")
    assert [(row["machine"], row["row"]) for row in found[87:89]] == [("m0", "90"), ("m1", "3")]


def test_parquet_gives_the_model_that_csv_gives(command, demand, tmp_path):
    pytest.importorskip("pyarrow", reason='pip install "tidegate[table]"')
    import pyarrow as arrow
    from pyarrow import parquet

    table = read_csv(demand)
    columns = {
        "day": arrow.array([np.datetime64(row["day"], "ns") for row in table]),
        "demand": arrow.array([float(row["demand"]) for row in table]),
        "temp": arrow.array([float(row["temp"]) for row in table]),
    }
    parquet.write_table(arrow.table(columns), tmp_path / "demand.parquet")
    for file, model in ((demand, "a"), ("demand.parquet", "b")):
        output = ("--output", f"{model}.safetensors")
        assert command("train", file, *FORECAST, "--window", 7, *SMALL, *output)[0] == 0
    assert content_of(tmp_path / "a.safetensors") == content_of(tmp_path / "b.safetensors")
    assert command("predict", "a.safetensors", "demand.parquet")[0] == 0
    assert command("predict", "a.safetensors", demand, "--output", "p.parquet")[0] == 0
    written = parquet.read_table(tmp_path / "p.parquet").to_pydict()
    rows = read_csv(tmp_path / "predictions.csv")
    assert written["day"] == [row["day"] for row in rows]
    assert [f"{value:.9g}" for value in written["demand_predicted"]] == [
        row["demand_predicted"] for row in rows
    ]
    assert written["demand"][-1] is None


def test_scales_come_from_the_training_part_alone(tmp_path):
    plan = Plan("forecast", ("demand",), ("temp",), time="day", window=7, horizon=1)
    rows = demand_rows()
    learnt = []
    for _ in range(2):
        path = write_csv(tmp_path / "d.csv", ["day", "demand", "temp"], rows)
        found, _ = read_rows(read_table(path), plan)
        every = samples.windows(found).with_truth(found)
        held_out = samples.split_by_time(found, every, 0.25)
        learnt.append(Scaling.learn(found, every.take(~held_out)).describe())
        first = int(every.truth[held_out].min())
        assert every.truth[~held_out].max() < first
        rows = rows[:first] + [[day, "1e6", "-1e6"] for day, _, _ in rows[first:]]
    assert learnt[0] == learnt[1]


def test_no_window_spans_a_gap_in_the_times(tmp_path):
    plan = Plan("forecast", ("demand",), ("temp",), time="day", window=4, horizon=2)
    rows = demand_rows(20)
    del rows[10]
    path = write_csv(tmp_path / "d.csv", ["day", "demand", "temp"], rows)
    found, _ = read_rows(read_table(path), plan)
    cut = samples.windows(found)
    day = found.steps
    assert np.array_equal(day, [*range(10), *range(11, 20)])
    assert all(day[last] - day[first] == 3 for first, last in zip(cut.first, cut.last, strict=True))
    assert [day[row] if row >= 0 else None for row in cut.truth] == [
        *range(5, 10),
        None,  # day 10
        11,
        *range(16, 20),
        None,
        None,
    ]


def test_one_seed_gives_one_file(command, demand, tmp_path):
    files = []
    for seed in (1, 1, 2):
        given = ("--window", 7, "--seed", seed, "--force", *SMALL)
        assert command("train", demand, *FORECAST, *given)[0] == 0
        files.append(content_of(tmp_path / "model.safetensors"))
    assert files[0] == files[1] != files[2]


def test_training_goes_on_from_a_file(command, demand, tmp_path):
    assert command("train", demand, *FORECAST, "--window", 7, *SMALL)[0] == 0
    before = TableModel.load(tmp_path / "model.safetensors")
    more = ("--continue", "model.safetensors", "--output", "more.safetensors", "--epochs", 3)
    status, _, err = command("train", demand, *more)
    assert status == 0, err
    after = TableModel.load(tmp_path / "more.safetensors")
    assert (before.model.epochs_trained, after.model.epochs_trained) == (3, 6)
    assert (after.plan, after.scaling.describe()) == (before.plan, before.scaling.describe())


def test_ctrl_c_saves_the_best_network(demand, tmp_path):
    given = ["train", str(demand), *FORECAST, "--window", "7", "--epochs", "1000000"]
    status, out, err = interrupted_run(
        [*given, "--patience", "0"],
        tmp_path,
        until="epoch 3/",
        stream="stdout",
        before="from tidegate.tabular import train_command; train_command.progress = lambda: 0",
    )
    assert status == 130
    assert "Traceback" not in err
    assert "--continue goes on from it" in out
    assert TableModel.load(tmp_path / "model.safetensors").model.epochs_trained >= 2


def test_a_process_that_is_killed_leaves_its_best_network(command, demand, tmp_path, monkeypatch):
    monkeypatch.setattr("tidegate.tabular.network._SECONDS_BETWEEN_SAVES", 0.0)
    seen = []

    def crash(model, epoch, logs):
        seen.append((tmp_path / "model.safetensors").exists())
        if epoch == 2:
            raise MemoryError("as good as killed")

    monkeypatch.setattr(
        "tidegate.training.callbacks.EarlyStopping.on_epoch_end",
        lambda self, epoch, logs=None: crash(self.model, epoch, logs),
    )
    with pytest.raises(MemoryError):
        command("train", demand, *FORECAST, "--window", 7, *SMALL)
    assert seen == [True, True, True]
    assert TableModel.load(tmp_path / "model.safetensors").plan.window == 7
