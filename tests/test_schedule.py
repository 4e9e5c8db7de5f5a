"""The cost model against measurement: its choice is within 10 % of the best alternative.

Nothing is timed here. The times are those of `tidegate bench --schedules --threads 2 --output FILE`
on a quiet machine; the core is asked what it chooses now, so a change of the model is held to them.
One exception, see `within_goal`: a call may stay on one thread on purpose where a second would win
less than 8 µs, because on a busy machine waiting for the second thread costs a time slice.

A file serves the ISA level at which it was measured: other lanes make other groups of units, other
alternatives and other choices.
"""

import pytest

from conftest import ROOT
from tidegate import _loader
from tidegate.bench import schedules
from tidegate.bench.schedule_table import within_goal

FILE = ROOT / "tests" / "data" / "schedules-zen4-2-threads.json"
MEASURED = schedules.from_json(FILE.read_text(encoding="utf-8"))
LEVEL = MEASURED.machine["tidegate"]["isa"]

# Known misses; a mark without a miss is a failure, so that none outlives its reason.
TOO_SLOW = {
    ("gru inference (25, 128, 1024, 1024)", "inference"): "estimates of both slices are equal",
    # Weights about as large as the cache: 12.5 or 17 ms, without a pattern.
    ("gru inference (50, 1, 1536, 1536)", "inference"): "measured 17 ms beside 13 ms",
    ("gru inference (50, 1, 1536, 1536)", "saving"): "measured 17 ms beside 13 ms",
}


def marked(trial):
    reason = TOO_SLOW.get((trial.case.label, trial.pass_name))
    return pytest.param(trial, marks=[pytest.mark.xfail(reason=reason)] if reason else [])


def test_every_pass_of_every_shape_was_measured():
    measured = [(trial.case, trial.pass_name) for trial in MEASURED.trials]
    assert measured == [(case, name) for case in schedules.cases() for name in schedules.TIMED]
    for trial in MEASURED.trials:
        assert {one.threads for one in trial.alternatives} == {1, MEASURED.threads}
        assert all(0 < one.seconds < 60 for one in trial.alternatives)


@pytest.mark.skipif(
    _loader.isa != LEVEL, reason=f"the schedules were measured at ISA level {LEVEL}"
)
@pytest.mark.parametrize(
    "trial",
    [marked(trial) for trial in MEASURED.trials],
    ids=lambda trial: f"{trial.case.label} {trial.pass_name}",
)
def test_the_choice_is_within_ten_percent_of_the_best_alternative(trial):
    opened = schedules.open_trial(trial.case, MEASURED.threads)
    choice = schedules.listed(opened, trial.pass_name)[0]
    chosen = trial.nearest(choice)
    best = trial.best
    assert within_goal(chosen, best), (
        f"chosen: {choice.text}, which took {1e6 * chosen.seconds:.1f} µs; "
        f"best: {best.text}, {1e6 * best.seconds:.1f} µs"
    )
