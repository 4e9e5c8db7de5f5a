"""The check of instruction counts: verdicts, what it says, and when it is skipped."""

import importlib.util
import json
import re
import stat
import sys

import pytest

from conftest import ROOT

FOLDER = ROOT / "cpp_tests" / "counts"


@pytest.fixture
def check():
    """The script, which is no module of the package."""
    spec = importlib.util.spec_from_file_location("counts_check", FOLDER / "check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (1000, 1000, "same"),
        (1030, 1000, "same"),
        (1031, 1000, "more"),
        (970, 1000, "same"),
        (969, 1000, "less"),
        (1, None, "new"),
    ],
)
def test_verdict_at_the_edges_of_the_tolerance(check, now, before, expected):
    assert check.TOLERANCE == 0.03
    assert check.verdict(now, before) == expected


def test_a_higher_count_fails_and_says_by_how_much_and_how_to_accept_it(check, capsys, tmp_path):
    counts = {"v3": {"good": 100, "bad": 112}, "v2": {"bad": 100}}
    baseline = {"v3": {"good": 100, "bad": 100}, "v2": {"bad": 100}}
    assert check.advise(check.table(counts, baseline), tmp_path) == 1
    said = capsys.readouterr().out
    assert re.search(r"v3 bad +112 +\+12\.00 % +more", said)
    assert "FAILED: rose by more than 3%: bad.v3." in said
    assert f"check.py {tmp_path} --accept" in said
    assert f"callgrind_annotate {tmp_path}/cpp_tests/bad.v3.callgrind" in said


def test_a_lower_count_passes_and_asks_to_keep_the_gain(check, capsys, tmp_path):
    found = check.table({"v3": {"a": 80, "b": 7}}, {"v3": {"a": 100}})
    assert check.advise(found, tmp_path) == 0
    said = capsys.readouterr().out
    assert "Lower or new: a.v3, b.v3." in said
    assert "FAILED" not in said


def test_unchanged_counts_ask_for_nothing(check, capsys, tmp_path):
    assert check.advise(check.table({"v2": {"a": 101}}, {"v2": {"a": 100}}), tmp_path) == 0
    assert "--accept" not in capsys.readouterr().out


def run_main(check, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["check.py", *map(str, arguments)])
    return check.main()


def test_without_valgrind_the_check_is_skipped(check, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_main(check, monkeypatch, tmp_path) == check.SKIPPED
    assert "skipped: valgrind is not installed" in capsys.readouterr().out


def fake_driver(folder, build):
    """A driver that tells of another build, and nothing else."""
    driver = folder / "driver"
    driver.write_text(f"#!/bin/sh\necho '{build}'\n")
    driver.chmod(driver.stat().st_mode | stat.S_IXUSR)
    return driver


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        ("GNU 4.8.5; Release", r"no counts for GNU 4\.8\.5, only for GNU"),
        ("GNU 12.2.0; checked RelWithDebInfo", "is a checked RelWithDebInfo build; expected"),
    ],
)
def test_another_compiler_or_build_type_is_skipped(
    check, monkeypatch, capsys, tmp_path, build, reason
):
    monkeypatch.setattr(check, "drivers_of", lambda _: {"v3": fake_driver(tmp_path, build)})
    assert run_main(check, monkeypatch, tmp_path) == check.SKIPPED
    assert re.search(f"skipped: .*{reason}", capsys.readouterr().out)


def test_accept_writes_the_counts_of_this_compiler_and_keeps_the_others(
    check, monkeypatch, tmp_path
):
    kept = {"Clang 1.0": {"v3": {"a": 5}}, "GNU 9.9.9": {"v2": {"a": 6}, "v3": {"gone": 7}}}
    baseline = tmp_path / "counts.json"
    baseline.write_text(json.dumps(kept))
    monkeypatch.setattr(check, "BASELINE", baseline)
    driver = fake_driver(tmp_path, "GNU 9.9.9; Release")
    monkeypatch.setattr(check, "drivers_of", lambda _: {"v3": driver})
    monkeypatch.setattr(check, "count_all", lambda _: {"v3": {"a": 8}})
    assert run_main(check, monkeypatch, tmp_path, "--accept") == 0
    assert json.loads(baseline.read_text()) == {
        "Clang 1.0": {"v3": {"a": 5}},
        "GNU 9.9.9": {"v2": {"a": 6}, "v3": {"a": 8}},
    }


def test_every_shape_of_the_driver_has_a_count_at_both_levels(check):
    shapes = set(re.findall(r'\{"([a-z]+-[a-z]+-[\d-]+)"', (FOLDER / "run_counts.cpp").read_text()))
    assert len(shapes) >= 3
    for compiler, counts in json.loads((FOLDER / "counts.json").read_text()).items():
        assert set(counts) == set(check.LEVELS), compiler
        assert all(set(of_level) == shapes for of_level in counts.values()), compiler
