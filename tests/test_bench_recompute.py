"""Memory and time by recompute_every: the peak is what the documentation says."""

import json
import sys

import pytest

from tidegate import cli
from tidegate.bench import recompute

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")

SHAPE = (1500, 32, 4, 64)
OTHERS = 3_000_000  # packed weights, rows and sums of one step, pages of the allocator


def test_the_peak_is_that_of_the_formula(monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(recompute, "SHAPE", SHAPE)
    monkeypatch.setattr(recompute, "STEPS", (None, 500, 40))
    output, picture = tmp_path / "r.json", tmp_path / "r.png"
    arguments = ["--rounds", "1", "--output", str(output), "--picture", str(picture)]
    assert cli.main(["bench", "--suite", "recompute", *arguments]) == 0
    assert capsys.readouterr().out.count("\n| ") == 4
    points = json.loads(output.read_text())["points"]
    for point in points:
        assert abs(point["peak"] - point["expected"]) < OTHERS + 0.05 * point["expected"]
    assert points[2]["peak"] < 0.1 * points[0]["peak"]
    assert picture.stat().st_size > 0
