"""Reports: their file, what is worked out from them, and how they are shown."""

import json

import pytest

from bench_reports import GRU, LSTM, SILICON, TRAINING, full_report, make_report, timed
from tidegate.bench import baseline, report, summary, table
from tidegate.bench.probes import Silicon
from tidegate.bench.report import Row
from tidegate.forecast.errors import InputError


def test_a_report_comes_back_from_its_file(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(report.to_json(full_report()))
    assert report.load("--show", path) == full_report()


def test_the_file_says_what_was_worked_out():
    written = json.loads(report.to_json(full_report()))
    assert written["schema"] == report.SCHEMA
    row = written["rows"][0]
    assert row["label"] == "lstm inference (100, 16, 256, 256)"
    assert row["engines"]["torch"]["ratio"] == pytest.approx(1.5)
    # 2·100·16·4·256·512 FLOPs in 10 ms of 200 GFLOP/s
    ours = row["engines"]["tidegate"]
    assert ours["percent_of_peak"] == pytest.approx(100 * 1677721600 / 0.010 / 200e9)
    assert ours["percent_of_limit"] == pytest.approx(100 * row["limit"]["seconds"] / 0.010)
    assert written["rows"][1]["engines"]["torch"]["timing"] is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ("{}", "KeyError"),
        ('{"schema": 0}', "schema is 0; expected 1"),
        ('{"schema": 1, "machine": {}}', "KeyError"),
        ("\udcff", "UnicodeDecodeError"),
    ],
    ids=repr,
)
def test_a_file_that_is_no_report_is_refused(tmp_path, text, fault):
    path = tmp_path / "wrong.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=rf"--baseline .*wrong.json: is not a report.*{fault}"):
        report.load("--baseline", path)


def test_a_missing_report_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"--show .*nonsense\.json: No such file"):
        report.load("--show", tmp_path / "nonsense.json")


def test_rows_raise_the_best_of_the_silicon():
    quicker = Silicon({"float32": 210.0, "float64": 90.0}, {8192: 390.0})
    whole = make_report([]).with_row(Row(LSTM, {"tidegate": timed(0.01)}, [SILICON, quicker]))
    assert whole.silicon.fma == {"float32": 210.0, "float64": 100.0}
    assert whole.silicon.read == SILICON.read
    assert len(whole.rows) == 1


def test_summary_by_hand():
    inference, *rest = summary.summarise(full_report())
    assert rest == []  # no peer was timed in training
    # LSTM: jax 1.2 before torch 1.5; GRU: jax 0.75
    assert inference.mean == pytest.approx((1.2 * 0.75) ** 0.5)
    assert inference.smallest.case == GRU
    assert inference.peers == {
        "torch": (1, pytest.approx(1.5)),
        "jax": (2, pytest.approx((1.2 * 0.75) ** 0.5)),
    }
    text = table.summary_text(full_report())
    assert "a peer is quicker in 1 case:\n    0.75 gru inference (100, 16, 256, 256)" in text


def test_text_table():
    whole = full_report()
    lines = table.TextTable([row.case for row in whole.rows], whole.peers)
    lstm, gru, training = (lines.row(whole, row).split() for row in whole.rows)
    assert lines.header().split()[:4] == ["case", "tidegate", "limit", "peak"]
    assert lstm[6:] == ["10", "84", "%", "84", "%", "15", "1.50x", "12", "1.20x", "1.20x", "jax"]
    assert gru[9:] == ["79", "%", "WRONG", "6", "0.75x", "0.75x", "jax"]
    assert training[-2:] == ["failed", "-"]


def test_faults_are_named():
    assert [fault for row in full_report().rows for fault in table.faults(row)] == [
        "gru inference (100, 16, 256, 256): torch computes something else than tidegate and was "
        "not timed: y is off by 3.0e-01",
        "gru training (10, 32, 1, 10): torch failed: the process ended by signal 11",
    ]


def test_markdown():
    lines = table.markdown(full_report()).splitlines()
    assert lines[0] == "Some CPU, 2 threads, ISA level v4; tidegate 0.1.0, torch 1.2, jax 1.2."
    assert "| inference, (T, B, I, H) | ms | of limit | of peak | torch | jax |" in lines
    assert "| gru (100, 16, 256, 256) | 8 | 79 % | 79 % | - | 0.75× |" in lines
    assert "| training, (T, B, I, H) | ms | of limit | of peak |" in lines
    tables = [line.count("|") for line in lines if line.startswith("|")]
    assert tables == [7] * 4 + [5] * 3


def test_baseline_by_hand():
    before = make_report(
        [Row(LSTM, {"tidegate": timed(0.020, 0.030)}), Row(TRAINING, {"tidegate": timed(0.0001)})]
    )
    now = make_report(
        [
            Row(LSTM, {"tidegate": timed(0.010, 0.020)}),
            Row(TRAINING, {"tidegate": timed(0.0002)}),
            Row(GRU, {"tidegate": timed(1.0)}),  # not in the baseline
        ]
    )
    compared = baseline.compare(now, before)
    assert [(c.label, c.best, c.median) for c in compared.changes] == [
        (LSTM.label, 2.0, 1.5),
        (TRAINING.label, 0.5, 0.5),
    ]
    assert compared.means() == (pytest.approx(1.0), pytest.approx(0.75**0.5))
    assert compared.differences == []
    text = table.comparison_text(compared).splitlines()
    assert text[2].split()[-2:] == ["2.00", "1.50"]
    assert text[-1].split()[-2:] == ["1.00", "0.87"]


def test_baseline_tells_what_else_differs():
    before = make_report([Row(LSTM, {"tidegate": timed(1.0)})])
    before.machine["cpu"] = "Other CPU"
    before.machine["tidegate"]["isa"] = "v3"
    slower = Silicon({"float32": 100.0, "float64": 50.0}, SILICON.read)
    now = make_report([Row(LSTM, {"tidegate": timed(1.0)})], silicon=slower)
    assert baseline.compare(now, before).differences == [
        "CPU: Other CPU before, Some CPU now",
        "ISA level: v3 before, v4 now",
        "FMA peak of a thread: 100 GFLOP/s before, 50 now",
    ]


def test_baseline_with_other_threads_is_a_speed_up():
    halved = Silicon({"float32": 100.0, "float64": 50.0}, SILICON.read)
    one = make_report([Row(LSTM, {"tidegate": timed(0.019)})], threads=1, silicon=halved)
    two = make_report([Row(LSTM, {"tidegate": timed(0.010)})])
    compared = baseline.compare(two, one)
    assert compared.differences == []
    text = table.comparison_text(compared).splitlines()
    assert text[0] == "2 threads beside 1 thread of the baseline: how many times quicker now"
    assert text[2].split()[-2:] == ["1.90", "1.90"]


def test_baseline_without_a_common_case():
    empty = baseline.compare(make_report([]), full_report())
    assert table.comparison_text(empty) == "baseline: no case of this run is in it"


def test_picture_has_every_time(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no pictures")
    from tidegate.bench import picture

    figure = picture.draw(full_report())
    roofline, _, ratios, _ = figure.axes
    assert [text.get_text() for text in ratios.get_yticklabels()] == [
        "lstm (100, 16, 256, 256)  84 %",
        "gru (100, 16, 256, 256)  79 %",
    ]
    torch, jax = (dots.get_offsets().tolist() for dots in ratios.collections)
    assert torch == [[pytest.approx(1.5), 0]]
    assert jax == [[pytest.approx(1.2), 0], [pytest.approx(0.75), 1]]
    _, _, rates, *_ = (dots.get_offsets()[:, 1].tolist() for dots in roofline.collections)
    assert rates == [
        pytest.approx(1e-9 * LSTM.flops / 0.010),
        pytest.approx(1e-9 * GRU.flops / 0.008),
    ]
    picture.save(full_report(), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_ticks_of_ratios_are_round_and_few():
    from tidegate.bench.picture import _ratio_ticks

    assert _ratio_ticks(0.9, 8.0) == [1, 1.5, 2, 3, 5, 7]
    assert _ratio_ticks(0.4, 250.0) == [0.5, 1, 2, 5, 10, 20, 50, 100, 200]
    assert _ratio_ticks(0.1, 20000.0) == [0.1, 1, 10, 100, 1000, 10000]


def test_busy_rounds_are_told():
    busy = Silicon({"float32": 100.0, "float64": 50.0}, SILICON.read)
    rows = [Row(LSTM, {"tidegate": timed(0.01), "jax": timed(0.02)}, [SILICON, busy, busy])]
    whole = make_report(rows)
    assert whole.busy_rounds() == (2, 3)
    assert "the machine was busy in 2 of 3 rounds" in table.summary_text(whole)
    assert "busy" not in table.summary_text(full_report())


def test_level_rates():
    # L1: at 16 KiB, one of seven doublings from 8 KiB to 1 MiB; memory: at the largest
    assert make_report([]).level_rates() == {"L1": pytest.approx(400 - 200 / 7), "memory": 30.0}
