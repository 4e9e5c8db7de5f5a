"""What `tidegate train` and `predict` refuse: one line that names file, line, column and remedy."""

import sys

import pytest

from table_files import SMALL, demand_rows, gesture_rows, write_csv
from tidegate import cli, io
from tidegate.io import ModelFileError, load_notes
from tidegate.layers import GRU, Dense
from tidegate.models import Sequential
from tidegate.training.errors import TrainingDivergedError

FORECAST = ("--task", "forecast", "--target", "demand", "--time", "day", "--window", "7")
HEADER = ["day", "demand", "temp"]


def refused(outcome, *words):
    status, _, err = outcome
    assert status == 2
    assert len(err.splitlines()) == 1
    assert err.startswith(("tidegate train: error: ", "tidegate predict: error: "))
    for word in words:
        assert word in err


def changed(tmp_path, row, column, cell):
    """Write the table with one cell changed; row 0 is line 2."""
    rows = demand_rows()
    rows[row][column] = cell
    return write_csv(tmp_path / "bad.csv", HEADER, rows)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("", ['line 12, column "temp": the cell is empty', "--missing carry"]),
        ("warm", ['line 12, column "temp": "warm" is not a finite number']),
        ("1,5", ["decimal point"]),
        ("inf", ["is not a finite number"]),
        ("-1e31", ['line 12, column "temp": is beyond 1e+30']),
    ],
)
def test_cells_that_cannot_be_read(command, tmp_path, cell, words):
    path = changed(tmp_path, 10, 2, cell)
    refused(command("train", path, *FORECAST, "--features", "temp"), str(path), *words)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("2023-01-10", ["line 12", "repeats the time above it", "keep one row per time"]),
        ("2023-01-02", ["line 12", "is before the time above it", "sort the rows"]),
        ("soon", ["line 12", '"soon" is not a time']),
        (
            "2023-01-11 07:00",
            ["line 12", "comes 31 hours after", "resample to even steps"],
        ),
    ],
)
def test_times_that_do_not_fit(command, tmp_path, cell, words):
    refused(command("train", changed(tmp_path, 10, 0, cell), *FORECAST), "bad.csv", *words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["the file is empty"]),
        (b"day,demand,temp\n", ["has a header but no rows"]),
        (b"day,demand,temp\n2023-01-01,5,6\n", ["no sequence has 8 steps in a row", "1 rows"]),
        (b"day,demand,temp\n2023-01-01,5\n", ["line 2 has 2 cells; expected 3"]),
        (b"day,demand,demand\n1,2,3\n", ['two columns are called "demand"']),
        ("day,d\xe9,demand\n1,2,3\n".encode("latin-1"), ["line 1: byte 0xe9 is not utf-8"]),
        (b"\x89PNG\r\n\0\0\0", ["line 1: byte 0x89"]),
    ],
)
def test_files_that_cannot_be_used(command, tmp_path, content, words):
    (tmp_path / "bad.csv").write_bytes(content)
    refused(command("train", "bad.csv", *FORECAST), "bad.csv", *words)


def test_a_parquet_file_that_is_none(command, tmp_path):
    pytest.importorskip("pyarrow", reason='pip install "tidegate[table]"')
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    refused(command("train", "bad.parquet", *FORECAST), "bad.parquet: is not a whole Parquet file")
    refused(command("train", "absent.parquet", *FORECAST), "absent.parquet: no such file")
    import pyarrow as arrow
    from pyarrow import parquet

    columns = {"day": ["2023-01-01", "2023-01-02"], "demand": [[1.0], [2.0]]}
    parquet.write_table(arrow.table(columns), tmp_path / "lists.parquet")
    refused(command("train", "lists.parquet", *FORECAST), 'column "demand" holds list')
    columns["demand"] = [1.0, None]
    parquet.write_table(arrow.table(columns), tmp_path / "null.parquet")
    refused(command("train", "null.parquet", *FORECAST), 'row 2, column "demand": the cell is')


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "demnad", "--window", 3), ['no column "demnad"', 'Did you mean "demand"?']),
        (("--target", "demand", "--features", "wind", "--window", 3), ['no column "wind"']),
        (("--window", 3), ["--target: is missing"]),
        (("--target", "demand"), ["--window: is missing", "or --group"]),
        (("--target", "demand", "--task", "forecast"), ["--window: is missing"]),
        ((*FORECAST, "--horizon", 0), ["--horizon 0", "expected at least 1"]),
        ((*FORECAST, "--features", "demand"), ['"demand" is given to --target too']),
        ((*FORECAST, "--group", "day"), ['--time: "day" is given to --group too']),
        ((*FORECAST, "--split", "group"), ["--split group: needs --group"]),
        ((*FORECAST[:-1], 200), ["no sequence has 201 steps in a row", "shorter --window"]),
        (
            ("--target", "demand", "temp", "--task", "classification", "--window", 3),
            ["classification takes one column"],
        ),
        (("--target", "temp", "--window", 3), ['column "day": "2023-01-01" is not a finite']),
        (("--target", "demand", "--output", "m.onnx", "--window", 3), ["ends in .safetensors"]),
    ],
)
def test_options_that_do_not_fit(command, demand, options, words):
    refused(command("train", demand, *options), *words)


def test_columns_of_the_predictions_that_would_have_one_name(command, tmp_path):
    write_csv(tmp_path / "t.csv", ["y", "y_predicted", "probability", "x"], [["1"] * 4] * 9)
    both = ("--target", "y", "y_predicted", "--window", 2)
    refused(command("train", "t.csv", *both), 'would have two columns "y_predicted"', "rename")
    classes = ("--target", "probability", "--task", "classification", "--window", 2)
    refused(command("train", "t.csv", *classes), 'would have two columns "probability"')


def test_labels_of_whole_sequences(command, gestures, tmp_path):
    given = ("--task", "classification", "--target", "gesture", "--group", "recording")
    header, rows = ["recording", "gesture", "x", "y"], gesture_rows(4)
    rows[3][1] = "right"
    write_csv(tmp_path / "two.csv", header, rows)
    words = ("line 5", 'column "gesture"', 'another row of "r0"', "--window")
    refused(command("train", "two.csv", *given), *words)
    write_csv(tmp_path / "one.csv", header, [[g, "left", x, y] for g, _, x, y in rows])
    refused(command("train", "one.csv", *given), 'column "gesture" has 1 class')
    refused(command("train", gestures, *given, "--split", "time"), "split by group")
    refused(command("train", gestures, *given, "--horizon", 1), "--horizon: needs --window")
    write_csv(tmp_path / "nobody.csv", header, [["", *row[1:]] for row in rows])
    refused(command("train", "nobody.csv", *given), 'line 2, column "recording": the cell is')
    single = [row for row in gesture_rows(4) if row[0] == "r0"] * 1
    write_csv(tmp_path / "single.csv", header, [*single, ["r0", "", "1", "1"]])
    regression = ("--target", "x", "--features", "y", "--group", "recording", "--window", 2)
    refused(command("train", "single.csv", *regression, "--split", "group"), "names 1 sequence")


def test_groups_with_other_steps(command, tmp_path):
    rows = [["a", f"2023-01-{day:02}", day] for day in range(1, 20)]
    rows += [["b", f"2023-01-{day:02} 0{day % 2}:00", day] for day in range(1, 9)]
    write_csv(tmp_path / "g.csv", ["group", "day", "demand"], rows)
    words = ("line 21", 'the times of "b" are not 1 day apart', "resample the file")
    refused(command("train", "g.csv", *FORECAST, "--group", "group"), *words)


def test_nothing_is_replaced_without_force(command, demand, tmp_path):
    for name in ("model.safetensors", "c.png", "predictions.csv"):
        (tmp_path / name).write_text("precious")
    words = ("is there already; give --force to replace it",)
    refused(command("train", demand, *FORECAST), "--output model.safetensors", *words)
    other = ("--output", "new.safetensors")
    refused(command("train", demand, *FORECAST, "--plot", "c.png", *other), "--plot", *words)
    refused(command("predict", "new.safetensors", demand), "--output predictions.csv", *words)
    assert {path.read_text() for path in tmp_path.glob("[mcp]*s*")} >= {"precious"}
    refused(command("train", demand, *FORECAST, "--output", demand, "--force"), "is the input")
    itself = ("predict", "model.safetensors", demand, "--output", "model.safetensors", "--force")
    refused(command(*itself), "--output model.safetensors: is the input")
    assert (tmp_path / "model.safetensors").read_text() == "precious"
    assert command("train", demand, *FORECAST, *SMALL, "--force")[0] == 0


def test_a_model_that_does_not_fit_the_table(command, demand, tmp_path):
    assert command("train", demand, *FORECAST, "--features", "temp", *SMALL)[0] == 0
    write_csv(tmp_path / "less.csv", HEADER[:2], [row[:2] for row in demand_rows()])
    refused(command("predict", "model.safetensors", "less.csv"), 'no column "temp"')
    weeks = demand_rows()[::7]
    write_csv(tmp_path / "weeks.csv", HEADER, weeks)
    words = ("the rows come every 1 week", "trained on one every 1 day")
    refused(command("predict", "model.safetensors", "weeks.csv"), *words)
    write_csv(tmp_path / "short.csv", HEADER, demand_rows()[:5])
    refused(command("predict", "model.safetensors", "short.csv"), "no sequence has 7 steps")
    refused(command("predict", "model.safetensors", demand, "--probabilities"), "numbers, not")


def test_options_that_contradict_the_file_that_training_goes_on_from(command, demand, tmp_path):
    assert command("train", demand, *FORECAST, "--dropout", "0.1", *SMALL)[0] == 0
    more = ("train", demand, "--continue", "model.safetensors", "--output", "b.safetensors")
    known = {"--window": 7, "--task": "forecast", "--missing": "refuse", "--cell": "gru"}
    known |= {"--units": 8, "--layers": 1, "--dropout": 0.1}
    others = (5, "regression", "carry", "lstm", 32, 2, 0)
    for (option, learnt), other in zip(known.items(), others, strict=True):
        words = (f"{option}: model.safetensors was trained with {learnt}; leave",)
        refused(command(*more, option, other), *words)
    words = ("--time-format: model.safetensors was trained without it",)
    refused(command(*more, "--time-format", "%Y"), *words)
    same = [str(part) for pair in known.items() for part in pair]
    assert command(*more, *same, "--epochs", "1")[0] == 0


def test_a_disk_that_fills_up(command, demand, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "save: cannot write the model: No space left on device", "m")

    monkeypatch.setattr("tidegate.io.write_whole", full)
    status, _, err = command("train", demand, *FORECAST, *SMALL)
    assert status == 1
    assert err.startswith("tidegate train: error: ") and "No space left on device" in err
    assert len(err.splitlines()) == 1


def test_classes_that_were_not_learnt(command, gestures, tmp_path):
    given = ("--task", "classification", "--target", "gesture", "--group", "recording")
    assert command("train", gestures, *given, *SMALL)[0] == 0
    rows = [[group, "up", x, y] for group, _, x, y in gesture_rows(2)]
    write_csv(tmp_path / "up.csv", ["recording", "gesture", "x", "y"], rows)
    words = ("line 2", '"up" is a class that the network was not trained on', '"left", "right"')
    refused(command("predict", "model.safetensors", "up.csv"), *words)


def test_model_files_of_another_kind(command, demand, tmp_path):
    refused(command("predict", "absent.safetensors", demand), "absent.safetensors: cannot be read")
    refused(command("predict", demand, demand), "is no network for tables", "whole safetensors")
    model = Sequential([GRU(3, input_shape=(7, 1)), Dense(1)])
    io.save(model, "plain.safetensors")
    refused(command("predict", "plain.safetensors", demand), "without the columns and scales")


def _damage(table, key, value):
    place = table
    *path, last = key.split(".")
    for part in path:
        place = place[part]
    place[last] = value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("plan.window", 8),
        ("plan.window", True),
        ("plan.horizon", -1),
        ("plan.task", "guess"),
        ("plan.features", "temp"),
        ("plan.group", 3),
        ("scaling.input_scale", [1.0]),
        ("scaling.target_mean", ["a"]),
        ("scaling.target_scale", [0.0]),
        ("classes", None),
        ("naive", []),
        ("axis", {"kind": "fixed", "step": 0}),
        ("axis", {"kind": "spiral", "step": 1}),
        ("extra", 1),
    ],
)
def test_a_hostile_model_file(command, demand, key, value):
    assert command("train", demand, *FORECAST, "--features", "temp", *SMALL)[0] == 0
    notes = load_notes("model.safetensors")
    _damage(notes["table"], key, value)
    io.save(io.load("model.safetensors"), "bad.safetensors", notes=notes)
    refused(command("predict", "bad.safetensors", demand), "bad.safetensors: is no network for")


def test_notes_are_part_of_the_checksum(tmp_path):
    path = tmp_path / "m.safetensors"
    model = Sequential([GRU(3, input_shape=(7, 1)), Dense(1)])
    io.save(model, path, notes={"scale": 2.5})
    assert load_notes(path) == {"scale": 2.5}
    path.write_bytes(path.read_bytes().replace(b"2.5", b"2.6"))
    with pytest.raises(ModelFileError, match="another content than its checksum says"):
        load_notes(path)
    io.save(model, path)
    assert load_notes(path) == {}


def test_a_loss_that_is_not_finite(command, demand, monkeypatch):
    def diverge(*arguments, **options):
        raise TrainingDivergedError("fit: the loss is nan in epoch 2.", 1, 0)

    monkeypatch.setattr(Sequential, "fit", diverge)
    refused(command("train", demand, *FORECAST), "nan in epoch 2. Try a smaller --learning-rate")


@pytest.mark.parametrize(
    "argument",
    ["--validation=1", "--validation=much", "--dropout=1.5", "--units=0", "--threads=2000"],
)
def test_options_out_of_range(demand, capsys, argument):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["train", str(demand), argument])
    option, _, value = argument.partition("=")
    assert f"error: argument {option}: " in (err := capsys.readouterr().err)
    assert value in err


def test_an_extra_that_is_missing_is_named(command, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").touch()
    status, _, err = command("train", "t.parquet", *FORECAST)
    assert status == 1
    assert 'pip install "tidegate[table]"' in err
