"""Baselines by hand, and the choice of the drift span."""

import numpy as np
import pytest

from tidegate.forecast import baselines
from tidegate.forecast.series import Series

# Two values per season, rising by 10 and by 1 a season.
SERIES = Series(np.array([0.0, 100.0, 10.0, 101.0, 20.0, 102.0, 30.0]), season=2)


def test_sources_are_the_latest_step_of_the_same_kind():
    steps, back = baselines.sources(np.array([6, 5]), 5, 2)
    assert steps.tolist() == [[5, 6, 5, 6, 5], [4, 5, 4, 5, 4]]
    assert back.tolist() == [1, 1, 2, 2, 3]


def test_seasonal_naive_repeats_the_last_season():
    forecast = baselines.seasonal_naive(SERIES, np.array([6, 3]), 3)
    assert forecast.tolist() == [[102, 30, 102], [10, 101, 10]]


def test_without_a_season_the_last_value_stays():
    series = Series(np.array([1.0, 5.0, 2.0]))
    assert baselines.seasonal_naive(series, np.array([2]), 3).tolist() == [[2, 2, 2]]


def test_drift_is_the_mean_change_over_a_season():
    origin = np.array([6])
    assert baselines.drift(SERIES, origin, 0).tolist() == [0]
    assert baselines.drift(SERIES, origin, 1).tolist() == [10]
    assert baselines.drift(SERIES, origin, 2).tolist() == [5.5]
    assert baselines.drift(SERIES, origin, 99).tolist() == [(10 + 1 + 10 + 1 + 10) / 5]


def test_drift_before_the_first_change_is_zero():
    assert baselines.drift(SERIES, np.array([0, 1]), 4).tolist() == [0, 0]


def test_seasonal_drift_adds_one_drift_per_season_ahead():
    forecast = baselines.seasonal_drift(SERIES, np.array([6]), 4, span=2)
    assert forecast.tolist() == [[102 + 5.5, 30 + 5.5, 102 + 11, 30 + 11]]


def test_naive_uses_the_filled_value_where_the_source_is_missing():
    series = Series(np.array([1.0, 2.0, 3.0, np.nan]), season=2)
    assert baselines.seasonal_naive(series, np.array([3]), 2).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.tile([1.0, 2.0, 3.0], 30), 0),  # no trend: the shortest of equal candidates
        (np.arange(90.0), 3),  # a line: every drift is exact, the shortest wins
    ],
)
def test_choose_span(values, expected):
    series = Series(values, season=3)
    assert baselines.choose_span(series, np.arange(20, 60), 6, (0, 3, 12)) == expected


def test_choose_span_prefers_all_of_history_for_a_noisy_line():
    noisy = np.arange(400.0) * 0.5 + np.random.default_rng(0).normal(0, 2, 400)
    series = Series(noisy)
    assert baselines.choose_span(series, np.arange(100, 350), 10) == len(series)
