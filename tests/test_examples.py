"""Every example runs at reduced size, draws its picture, and its score is what it should be."""

import os
import re
import subprocess
import sys

import pytest

from conftest import ROOT

HELPER = "gallery"
EXAMPLES = sorted(p for p in (ROOT / "examples").glob("*.py") if p.stem != HELPER)

# name: arguments, packages that tests may lack, and what must be true of the printed scores.
CASES = {
    "adding_problem": (
        "--epochs 14 --steps 40",
        (),
        lambda s: s["GRU"] < s["always 1"] / 4,
    ),
    "asynchronous": (
        "--epochs 8 --samples 800",
        (),
        lambda s: s["best there can be"] < s["GRU-D"] < s["grid and GRU"],
    ),
    "attention_lookup": (
        "--epochs 9 --pairs 6",
        (),
        lambda s: s["GRU and attention"] > 1.5 * s["GRU"] > s["chance"],
    ),
    "basic_motions": ("--epochs 20", ("aeon",), lambda s: s["two GRUs"] > s["nearest neighbour"]),
    "cells": (
        "--epochs 8 --steps 20",
        (),
        lambda s: max(s["GRU"], s["LSTM"]) < s["always 1"] / 2,
    ),
    "character_text": (
        "--epochs 4 --characters 30000",
        (),
        lambda s: s["LSTM"] < 4.4,  # what the frequencies of letters alone give
    ),
    "co2_forecast": ("--epochs 2", (), lambda s: s["GRU"] < 4 * s["seasonal naive"]),
    "copy_memory": ("--epochs 10 --steps 2", (), lambda s: s["GRU"] < 0.95 * s["knows nothing"]),
    "digit_rows": ("--epochs 3", ("sklearn",), lambda s: s["two bidirectional GRUs"] > 0.7),
    "high_dimensional": (
        "--epochs 12 --channels 200",
        (),
        lambda s: s["Dense(16) and LSTM"] > 0.8 > s["logistic regression"] + 0.15,
    ),
    "japanese_vowels": ("--epochs 20", ("aeon",), lambda s: s["bidirectional GRU"] > 0.9),
    "lengths": ("--epochs 4", (), lambda s: s["lengths"] < s["padded"]),
    "missing_values": (
        "--epochs 8 --samples 1000",
        (),
        lambda s: s["GRU-D"] < min(s["mean filled in"], s["last value"]),
    ),
    "moving_digits": (
        "--epochs 5 --films 200",
        ("sklearn",),
        lambda s: s["LSTM"] < s["the frame as it is"] < s["each pixel goes on"],
    ),
    "peephole_timing": (
        "--epochs 60 --gap 8",
        (),
        lambda s: s["peephole"] == 1 and s["peephole, until solved"] < s["plain, until solved"],
    ),
    "stream": ("--epochs 2", (), lambda s: s["after the change"] > s["before the change"]),
    "streaming_service": (
        "--epochs 8 --values 20000",
        (),
        lambda s: s["LSTM"] > 0.75 > s["distance from the mean"],
    ),
    "sunspots": ("--epochs 40", (), lambda s: s["five GRUs"] < s["AR(9)"] < s["the year before"]),
    "text_classification": (
        "--epochs 2 --lines 800",
        (),
        lambda s: s["bidirectional GRU"] > 1.4 * s["chance"],
    ),
    "torch_to_onnx": (
        "--epochs 3",
        ("torch", "onnx", "onnxruntime", "statsmodels"),
        lambda s: (
            s["tidegate with its weights -> tidegate from the file"] == 0
            and max(error for name, error in s.items() if "->" in name) < 3e-6
        ),
    ),
    "textbook": ("--epochs 2", (), lambda s: 0 < s["LSTM"] < 1 and 0 < s["GRU"] < 1),
}


def run(name, *arguments, **environment):
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{name}.py"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES])
def test_example_keeps_its_promise(name, tmp_path):
    arguments, packages, promise = CASES[name]
    for package in packages:
        pytest.importorskip(package, reason=f"examples/{name}.py needs {package}")
    picture = tmp_path / "picture.png"
    done = run(name, *arguments.split(), "--output", str(picture))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"picture: {picture}" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    scores = {
        method: float(score)
        for method, score in re.findall(r"^(.+): \D+ (-?\d\S*)$", done.stdout, re.MULTILINE)
    }
    assert promise(scores), done.stdout


def test_example_without_its_package_says_how_to_install_it(tmp_path):
    (tmp_path / "statsmodels.py").write_text(
        "raise ModuleNotFoundError('gone', name='statsmodels')"
    )
    path = filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])
    done = run("sunspots", PYTHONPATH=os.pathsep.join(path))
    assert done.returncode == 1
    assert 'pip install "tidegate[examples]"' in done.stderr
    assert "Traceback" not in done.stderr
