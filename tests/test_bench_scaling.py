"""The suite *scaling*: its series, and its picture."""

import pytest

from bench_reports import SILICON, make_report, timed
from tidegate import cli
from tidegate.bench import report, scaling, suites
from tidegate.bench.case import Case
from tidegate.bench.probes import Silicon
from tidegate.bench.report import Outcome, Row

LARGE = Case("lstm", False, 100, 16, 256, 256)
SMALL = Case("lstm", False, 100, 1, 32, 64)
AXES = scaling.BASES[100, 16, 256, 256]


def best(seconds):
    return {"tidegate": timed(seconds), "torch": timed(2 * seconds)}


def rows_along_the_batch():
    rows = [Row(case, best(1e-3 * (1 + case.batch))) for case in AXES[1].series(LARGE)]
    rows[-1] = Row(rows[-1].case, {"tidegate": Outcome("failed", "died")})
    return rows


@pytest.mark.parametrize("kind", scaling.KINDS)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("base", scaling.BASES, ids=str)
def test_each_series_passes_its_base_and_changes_one_size(kind, training, base):
    at_base = Case(kind, training, *base)
    cases = suites.select("scaling", [at_base.pass_name], [kind])
    for axis in scaling.BASES[base]:
        series = axis.series(at_base)
        assert at_base in series
        assert set(series) <= set(cases)
        sizes = [axis.of(case) for case in series]
        assert sizes == sorted(set(sizes))
        assert len(sizes) >= 4
        others = [other for other in scaling.BASES[base] if other != axis]
        for other in others:
            assert {other.of(case) for case in series} == {other.of(at_base)}
    assert [axis.name for axis in scaling.BASES[base]] == ["T", "B", "I", "H", "layers"]


def test_lines_are_microseconds_per_step_and_sequence():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no pictures")
    from tidegate.bench.scaling_picture import lines

    whole = make_report(rows_along_the_batch(), peers=("torch",))
    slower = [Row(case, {"tidegate": timed(8e-3)}) for case in AXES[1].series(LARGE)[:2]]
    before = make_report(slower, threads=1)
    found = lines(whole, before, LARGE, AXES[1])
    assert list(found) == ["limit", "torch", "tidegate, baseline (1 thread)", "tidegate"]
    # 1 + B ms for 100 steps of B sequences
    assert found["tidegate"][:3] == [(1, pytest.approx(20)), (2, pytest.approx(15)), (4, 12.5)]
    assert [batch for batch, _ in found["tidegate"]] == [1, 2, 4, 8, 16, 32, 64]  # 128 failed
    assert found["torch"][0] == (1, pytest.approx(40))
    assert found["tidegate, baseline (1 thread)"] == [(1, pytest.approx(80)), (2, 40)]
    # FMA binds at B = 64: 2·4·256·512 FLOPs of 200 GFLOP/s
    assert found["limit"][6] == (64, pytest.approx(2 * 4 * 256 * 512 / 200e9 * 1e6))


def test_picture_has_a_row_for_each_base_that_was_timed(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no pictures")
    from tidegate.bench import scaling_picture

    small = [Row(case, best(1e-4)) for case in scaling.BASES[100, 1, 32, 64][0].series(SMALL)]
    whole = make_report([*rows_along_the_batch(), *small], peers=("torch",))
    figure = scaling_picture.draw(whole)
    assert len(figure.axes) == 2 * 5
    assert [ax.get_title() for ax in figure.axes[:5]] == ["T", "B", "I", "H", "layers"]
    labels = [ax.get_ylabel().splitlines()[1] for ax in figure.axes[::5]]
    assert labels == ["(100, 16, 256, 256)", "(100, 1, 32, 64)"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["limit", "torch", "tidegate"]
    scaling_picture.save(whole, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_command_draws_scaling_with_its_baseline(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no pictures")
    from tidegate.bench import scaling_picture

    halved = Silicon({"float32": 100.0, "float64": 50.0}, SILICON.read)
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    options = {"suite": "scaling"}
    slow = [Row(case, {"tidegate": timed(1.9 * 1e-3)}) for case in AXES[0].series(LARGE)]
    fast = [Row(case, {"tidegate": timed(1e-3)}) for case in AXES[0].series(LARGE)]
    one = make_report(slow, threads=1, silicon=halved, options=options, peers=())
    two = make_report(fast, options=options, peers=())
    for path, run in zip(paths, (one, two), strict=True):
        path.write_text(report.to_json(run))
    drawn = []
    monkeypatch.setattr(scaling_picture, "save", lambda *arguments: drawn.append(arguments))
    picture = tmp_path / "p.png"
    show = ["--show", str(paths[1]), "--baseline", str(paths[0]), "--picture", str(picture)]
    assert cli.main(["bench", *show]) == 0
    out = capsys.readouterr().out
    assert "2 threads beside 1 thread of the baseline" in out
    assert "geometric mean" in out and "1.90   1.90" in out
    assert drawn == [(two, picture, one)]
