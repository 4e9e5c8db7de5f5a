"""Gaps are filled from the past, by hand and as a property; the season is found or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tolerances
from tidegate.forecast.seasonality import detect_season, strength
from tidegate.forecast.series import Series, causal_fill
from tidegate.forecast.timeaxis import DAY, HOUR, TimeAxis

NAN = np.nan


def test_fill_adds_the_latest_change_to_the_season_before():
    values = np.array([10.0, 20.0, 30.0, 13.0, NAN, 36.0, NAN, NAN])
    # t=4: 20 + (13 - 10); t=6: 13 + (36 - 30); t=7: filled[4] + (36 - 30)
    assert causal_fill(values, 3).tolist() == [10, 20, 30, 13, 23, 36, 19, 29]


def test_fill_carries_forward_within_the_first_season():
    assert causal_fill(np.array([5.0, NAN, NAN, 7.0]), 3).tolist() == [5, 5, 5, 7]


def test_fill_without_a_season_carries_the_last_value_forward():
    assert causal_fill(np.array([1.0, 3.0, NAN, NAN, 2.0]), 1).tolist() == [1, 3, 3, 3, 2]


def test_fill_keeps_its_argument():
    values = np.array([1.0, NAN])
    causal_fill(values, 1)
    assert np.isnan(values[1])


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e3, 1e3)), min_size=2, max_size=40),
    st.integers(1, 6),
    st.data(),
)
def test_fill_never_looks_ahead(values, season, data):
    values = np.array([0.0, *[NAN if value is None else value for value in values]])
    now = data.draw(st.integers(0, len(values) - 1))
    changed = values.copy()
    changed[now + 1 :] = data.draw(st.sampled_from([NAN, 1e6, -1.0]))
    before, after = causal_fill(values, season), causal_fill(changed, season)
    np.testing.assert_array_equal(before[: now + 1], after[: now + 1])
    assert np.isfinite(before).all()


def test_change_is_zero_in_the_first_season():
    series = Series(np.array([1.0, 2.0, 4.0, NAN]), season=2)
    assert series.filled.tolist() == [1, 2, 4, 5]
    assert series.change.tolist() == [0, 0, 3, 3]


@pytest.mark.parametrize(
    ("values", "season", "match"),
    [
        ([], 1, r"shape \(0,\); expected \(n,\)"),
        ([NAN, 1.0], 1, "observed first value"),
        ([1.0], 0, "season is 0; expected >= 1"),
    ],
)
def test_series_refuses(values, season, match):
    with pytest.raises(ValueError, match=match):
        Series(np.array(values), season)


def seasonal(n, period, noise=0.3):
    rng = np.random.default_rng(0)
    t = np.arange(n)
    return 0.02 * t + np.cos(2 * np.pi * t / period) + rng.normal(0, noise, n)


@pytest.mark.parametrize("period", [2, 7, 12, 24, 52])
def test_season_is_found(period):
    assert detect_season(seasonal(12 * period + 60, period), TimeAxis()) == period


@pytest.mark.parametrize("seed", range(10))
def test_a_random_walk_has_no_season(seed):
    walk = np.cumsum(np.random.default_rng(seed).normal(size=600))
    assert detect_season(walk, TimeAxis()) == 1


def test_noise_and_a_straight_line_have_no_season():
    assert detect_season(np.random.default_rng(0).normal(size=400), TimeAxis()) == 1
    assert detect_season(np.arange(400.0), TimeAxis()) == 1
    assert detect_season(np.ones(1), TimeAxis()) == 1


def test_times_leave_only_periods_of_the_calendar():
    hourly = TimeAxis("fixed", step=HOUR)
    assert detect_season(seasonal(800, 24), hourly) == 24
    assert detect_season(seasonal(800, 31), hourly) == 1
    assert detect_season(seasonal(200, 7), TimeAxis("fixed", step=DAY)) == 7
    assert detect_season(seasonal(200, 5), TimeAxis("business")) == 5
    assert detect_season(seasonal(200, 12), TimeAxis("months", step=1)) == 12
    assert detect_season(seasonal(200, 4), TimeAxis("months", step=3)) == 4


def test_a_broken_reading_does_not_hide_the_season():
    values = seasonal(400, 7)
    values[150] = 1e6
    assert detect_season(values, TimeAxis()) == 7


def test_a_large_offset_does_not_hide_the_season():
    assert detect_season(1e9 + seasonal(400, 7), TimeAxis()) == 7


def test_no_longer_season_than_asked_for():
    assert detect_season(seasonal(800, 24), TimeAxis(), longest=20) < 24


def test_strength_is_1_for_an_exact_cycle_and_0_for_a_line():
    assert strength(np.tile([0.0, 1.0, 5.0], 40), 3) == pytest.approx(1.0, rel=tolerances.BY_HAND)
    assert strength(np.zeros(100), 4) == 0.0
