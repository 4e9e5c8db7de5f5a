"""Tables for the tests of `tidegate train` and `predict`, and the commands run in this process."""

import csv

import numpy as np
import pytest

from tidegate import cli
from tidegate.layers import GRU, LSTM, Dense
from tidegate.models import Sequential

SMALL = ("--units", "8", "--epochs", "3")


def write_csv(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def days(count, first="2023-01-01"):
    return [str(np.datetime64(first) + step) for step in range(count)]


def demand_rows(count=160, seed=0):
    """Day, demand with a week's season and a trend, and the temperature that it follows."""
    t = np.arange(count)
    rng = np.random.default_rng(seed)
    temperature = 15 + 8 * np.sin(t / 20) + rng.normal(0, 1, count)
    demand = 100 + 0.2 * t + 9 * np.cos(2 * np.pi * t / 7) + 2 * temperature
    return [
        [day, f"{y:.4f}", f"{x:.4f}"]
        for day, y, x in zip(days(count), demand, temperature, strict=True)
    ]


def gesture_rows(recordings=60, seed=0):
    """Points that turn left or right, one label for each recording of 6 to 14 steps."""
    rng = np.random.default_rng(seed)
    rows = []
    for recording in range(recordings):
        turn, angle = (-1) ** recording, rng.uniform(0, 6)
        for _ in range(rng.integers(6, 15)):
            angle += 0.5 * turn
            x, y = np.cos(angle), np.sin(angle)
            label = "left" if turn > 0 else "right"
            rows.append([f"r{recording}", label, f"{x:.4f}", f"{y:.4f}"])
    return rows


def saved_model(path):
    """Save a model of two recurrent layers; return it."""
    layers = [LSTM(5, return_sequences=True, input_shape=(None, 3)), GRU(4), Dense(2)]
    model = Sequential(layers, seed=0)
    model.save(path)
    return model


@pytest.fixture
def command(tmp_path, capsys, monkeypatch):
    """Run the command line in its own folder; return exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tidegate.tabular.train_command.progress", lambda: 0)  # lines, no bar

    def run(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def demand(tmp_path):
    return write_csv(tmp_path / "demand.csv", ["day", "demand", "temp"], demand_rows())


@pytest.fixture
def gestures(tmp_path):
    header = ["recording", "gesture", "x", "y"]
    return write_csv(tmp_path / "gestures.csv", header, gesture_rows())
