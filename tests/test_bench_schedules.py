"""`tidegate bench --schedules`: alternatives of the core, what counts as good, file and table."""

import dataclasses
import json
import math

import pytest

from tidegate import cli
from tidegate._loader import core
from tidegate.bench import schedule_table, schedules, suites
from tidegate.bench.case import Case
from tidegate.bench.schedules import Alternative, Trial, Trials

CASE = Case("gru", False, 100, 16, 256, 256)


def one(threads, batch_slices, chunk, seconds, chosen=False):
    hidden_slices = threads // batch_slices
    return Alternative(threads, batch_slices, hidden_slices, chunk, 1e6, chosen, seconds)


SAVING = Trial(CASE, "saving", [one(1, 1, 64, 3e-3, True), one(2, 2, 8, 2e-3), one(2, 2, 32, 4e-3)])
BACKWARD = Trial(CASE, "backward", [one(2, 1, 16, 5e-3, True), one(1, 1, 16, 7e-3)])
INFERENCE = Trial(CASE, "inference", [one(2, 2, 8, 2e-3, True), one(1, 1, 8, 3e-3)])


@pytest.mark.parametrize("pass_name", ["inference", "saving", "backward"])
@pytest.mark.parametrize("kind", schedules.TRIAL_KINDS)
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (100, 16, 256, 256), (7, 64, 3, 200)], ids=str)
def test_the_core_lists_each_alternative_once_and_the_choice_first(pass_name, kind, sizes):
    trial = schedules.open_trial(Case(kind, False, *sizes), 2)
    found = schedules.listed(trial, pass_name)
    assert [entry.chosen for entry in found] == [True] + [False] * (len(found) - 1)
    keys = {(entry.threads, entry.batch_slices, entry.chunk) for entry in found}
    assert len(keys) == len(found)
    assert {entry.threads for entry in found} == {1, 2}
    for entry in found:
        assert entry.batch_slices * entry.hidden_slices == entry.threads
        assert 1 <= entry.chunk <= sizes[0]
        assert entry.estimated_ns >= found[0].estimated_ns or entry.chunk != found[0].chunk
        assert entry.seconds == math.inf
    if sizes[1] >= 16 and sizes[3] >= 200:  # enough rows and units to divide either
        assert {entry.batch_slices for entry in found} == {1, 2}


def test_three_threads_are_tried_beside_one_and_two():
    found = schedules.listed(schedules.open_trial(CASE, 3), "inference")
    assert {entry.threads for entry in found} == {1, 2, 3}


@pytest.mark.parametrize("kind", schedules.TRIAL_KINDS)
def test_measuring_times_every_alternative_and_changes_nothing_else(kind):
    case = Case(kind, False, 12, 13, 5, 40)
    before = schedules.listed(schedules.open_trial(case, 2), "inference")
    trials = schedules.measure(case, 2, 1, 1e-6)
    assert [trial.pass_name for trial in trials] == ["inference", "saving", "backward"]
    for trial in trials:
        assert all(0 < entry.seconds < math.inf for entry in trial.alternatives)
    measured = [dataclasses.replace(entry, seconds=math.inf) for entry in trials[0].alternatives]
    assert measured == before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: core.ScheduleTrial("nonsense", 1, 1, 1, 1, 1), 'cell "nonsense" is unknown'),
        (lambda: core.ScheduleTrial("gru", 1, 1, 0, 1, 1), "at least 1"),
        (lambda: core.ScheduleTrial("gru", 1, 1, 1, 1, 0), "at least 1"),
        (lambda: core.ScheduleTrial("gru", 1, 1, 1, 1, 1).alternatives("x"), 'pass "x" is unknown'),
        (
            lambda: core.ScheduleTrial("gru", 1, 1, 1, 1, 1).best_seconds("saving", 99, 0.1),
            "there are 1 alternatives",
        ),
    ],
    ids=["cell", "size", "threads", "pass", "alternative"],
)
def test_the_core_refuses_what_it_does_not_know(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("choice", "best", "good"),
    [
        (one(2, 1, 8, 1.09e-3), one(1, 1, 8, 1e-3), True),
        (one(2, 1, 8, 1.11e-3), one(1, 1, 8, 1e-3), False),
        (one(1, 1, 8, 18e-6), one(2, 1, 8, 10e-6), True),  # the fork margin: 11 + 8 µs
        (one(1, 1, 8, 20e-6), one(2, 1, 8, 10e-6), False),
        (one(2, 1, 8, 18e-6), one(1, 1, 8, 10e-6), False),  # which excuses no second thread
        (one(1, 1, 8, 18e-6), one(1, 1, 2, 10e-6), False),
    ],
)
def test_goal_by_hand(choice, best, good):
    assert schedule_table.within_goal(choice, best) is good


def test_the_nearest_chunk_of_the_same_slices_stands_for_a_choice():
    assert SAVING.nearest(one(2, 2, 10, math.inf)).chunk == 8
    assert SAVING.nearest(one(2, 2, 20, math.inf)).chunk == 32
    assert SAVING.nearest(one(1, 1, 256, math.inf)).chunk == 64
    assert BACKWARD.nearest(one(1, 1, 1000, math.inf)).seconds == 7e-3


@pytest.mark.parametrize("choice", [one(2, 1, 8, math.inf), one(1, 1, 4, math.inf)])
def test_a_choice_that_was_not_measured_is_an_error(choice):
    with pytest.raises(LookupError, match=r"was not measured; run `tidegate bench --schedules`"):
        SAVING.nearest(choice)


def test_a_run_comes_back_from_its_file():
    run = Trials({"cpu": "Some CPU"}, 2, 3, 0.1, [INFERENCE, SAVING, BACKWARD])
    assert schedules.from_json(schedules.to_json(run)) == run
    with pytest.raises(ValueError, match="schema is 0; expected 1"):
        schedules.from_json('{"schema": 0}')


def test_table_adds_the_passes_of_training_and_marks_what_misses_the_goal():
    texts = [line.split("256)")[1] for line in schedule_table.table([INFERENCE, SAVING, BACKWARD])]
    inference, training = (" ".join(text.split()) for text in texts)
    assert inference == "2 batch 8 2000.0 2 batch 8 2000.0 1.00"
    chosen, best = "1 - 64 + 2 units 16 8000.0", "2 batch 8 + 2 units 16 7000.0"
    assert training == f"{chosen} {best} 1.14 <<<"


def test_cases_are_the_plain_ones_of_standard():
    labels = {case.label for case in schedules.cases()}
    assert len(labels) == 2 * (len(suites.STANDARD) + len(suites.ONE_STEP_HIDDEN)) + 4
    assert "rnn inference (100, 16, 256, 256)" in labels
    assert not any("layers" in label or "float64" in label for label in labels)
    assert schedules.cases(["lstm_peephole"]) == []


def test_command_writes_the_file(tmp_path, capsys):
    path = tmp_path / "schedules.json"
    options = ["--rounds", "1", "--seconds", "0.001", "--threads", "2", "--only", "(1, 1, 32"]
    assert cli.main(["bench", "--schedules", *options, "--output", str(path)]) == 0
    out = capsys.readouterr().out
    assert "lstm training (1, 1, 32, 32)" in out
    run = schedules.from_json(path.read_text())
    assert {trial.case.label for trial in run.trials} == {
        "lstm inference (1, 1, 32, 32)",
        "gru inference (1, 1, 32, 32)",
    }
    assert json.loads(path.read_text())["machine"]["tidegate"]["isa"]


def test_command_names_a_wrong_choice_of_cases(capsys):
    assert cli.main(["bench", "--schedules", "--only", "nonsense"]) == 2
    assert '--schedules: no case has these --cells and a label with "nonsense"' in (
        capsys.readouterr().err
    )
