"""Windows by hand; nothing after an origin reaches its window or its forecast."""

from dataclasses import replace

import numpy as np
import pytest

import tolerances
from tidegate.forecast import baselines
from tidegate.forecast.forecaster import Recipe, train
from tidegate.forecast.series import Series
from tidegate.forecast.windows import FEATURES, Scaling, Windows

PLAIN = Scaling(
    span=0, level=1.0, change_middle=0.0, change=1.0, target_middle=0.0, target_scale=1.0
)
HAND = Series(np.array([0.0, 4.0, 2.0, 6.0, np.nan, 8.0, 6.0, 10.0]), season=2)


def feature(x, name):
    return x[..., FEATURES.index(name)]


def long_series(n=200, season=8, gaps=True):
    rng = np.random.default_rng(3)
    t = np.arange(n)
    values = 0.05 * t + np.sin(2 * np.pi * t / season) + rng.normal(0, 0.2, n)
    if gaps:
        values[rng.choice(np.arange(1, n), n // 10, replace=False)] = np.nan
    return Series(values, season)


def test_inputs_by_hand():
    # filled: 0 4 2 6 4 8 6 10; known at origin 5; the last season's mean is (4 + 8) / 2 = 6
    x = Windows(past=2, horizon=3).inputs(HAND, np.array([5]), PLAIN)
    assert x.shape == (1, 5, len(FEATURES))
    assert x.dtype == np.float32
    assert feature(x, "level").tolist() == [[4 - 6, 8 - 6, 4 - 6, 8 - 6, 4 - 6]]
    assert feature(x, "change").tolist() == [[2, 2, 2, 2, 2]]
    assert feature(x, "missing").tolist() == [[1, 0, 1, 0, 1]]
    np.testing.assert_allclose(
        feature(x, "cos"), [[1, -1, 1, -1, 1]], atol=tolerances.FORECAST_WINDOW
    )
    np.testing.assert_allclose(feature(x, "sin"), np.zeros((1, 5)), atol=tolerances.FORECAST_WINDOW)
    np.testing.assert_allclose(
        feature(x, "ahead"), [[0, 0, 1 / 3, 2 / 3, 1]], rtol=tolerances.FORECAST_WINDOW
    )


def test_exogenous_columns_stand_at_their_steps_also_those_beyond_the_end():
    known = replace(HAND, exogenous=np.stack([np.arange(11.0), 100 + np.arange(11.0)], axis=1))
    scaling = replace(PLAIN, exogenous_middle=(4.0, 100.0), exogenous_scale=(2.0, 1.0))
    x = Windows(past=2, horizon=3).inputs(known, np.array([5, 7]), scaling)
    assert x[..., len(FEATURES)].tolist() == [[0, 0.5, 1, 1.5, 2], [1, 1.5, 2, 2.5, 3]]
    assert x[0, :, len(FEATURES) + 1].tolist() == [4, 5, 6, 7, 8]
    assert x[1, :, len(FEATURES) + 1].tolist() == [6, 7, 8, 9, 10]
    np.testing.assert_array_equal(
        x[..., : len(FEATURES)], Windows(2, 3).inputs(HAND, np.array([5, 7]), PLAIN)
    )


def test_exogenous_columns_need_a_row_for_each_value():
    with pytest.raises(ValueError, match=r"exogenous has shape \(7, 1\); expected \(m, E\) with m"):
        replace(HAND, exogenous=np.zeros((7, 1)))


def test_targets_by_hand_weigh_nothing_where_nothing_was_observed():
    y, weight = Windows(past=2, horizon=3).targets(HAND, np.array([3, 4]), PLAIN)
    # origin 3: truth nan 8 6, naive 2 6 2; origin 4: truth 8 6 10, naive 6 4 6
    assert y[..., 0].tolist() == [[0, 0, 0, 2, 4], [0, 0, 2, 2, 4]]
    per_step = pytest.approx(5 / 3)
    assert weight.tolist() == [[0, 0, 0, per_step, per_step], [0, 0, *[per_step] * 3]]


def test_scales_are_quartile_distances_and_what_lies_far_out_is_cut():
    windows, origins = Windows(past=16, horizon=4), np.arange(60, 150)
    clean = long_series(gaps=False)
    values = clean.values.copy()
    values[100] = 1e9
    spiked = Series(values, clean.season)
    scaling = windows.fit(spiked, origins)
    expected = windows.fit(clean, origins)
    assert scaling.target_scale == pytest.approx(expected.target_scale, rel=0.3)
    x = windows.inputs(spiked, origins, scaling)
    y, _ = windows.targets(spiked, origins, scaling)
    assert np.abs(x).max() == np.abs(y).max() == 10


def test_scales_of_what_hardly_varies():
    windows, origins = Windows(past=16, horizon=4), np.arange(40, 150)
    constant = windows.fit(Series(np.full(200, 3.0), 8), origins)
    assert (constant.level, constant.change, constant.target_scale) == (1, 1, 1)
    rare = np.zeros(200)
    rare[::50] = 1.0
    assert 0 < windows.fit(Series(rare, 1), origins).target_scale < 1


def test_an_answer_of_zero_is_the_baseline():
    series, windows = long_series(), Windows(past=10, horizon=5)
    origins = np.arange(30, 60)
    answers = np.zeros((30, 15, 1), np.float32)
    scaling = replace(PLAIN, span=8)
    forecast = windows.forecasts(series, origins, scaling, answers)
    np.testing.assert_array_equal(forecast, baselines.seasonal_drift(series, origins, 5, 8))


def test_the_right_answer_is_the_truth():
    series, windows = long_series(gaps=False), Windows(past=10, horizon=5)
    origins = np.arange(30, 60)
    scaling = windows.fit(series, origins)
    y, _ = windows.targets(series, origins, scaling)
    forecast = windows.forecasts(series, origins, scaling, y)
    truth = series.values[origins[:, None] + np.arange(1, 6)]
    np.testing.assert_allclose(forecast, truth, atol=tolerances.FORECAST_WINDOW)


def test_training_origins_end_before_the_held_out_part():
    series, windows = long_series(), Windows(past=10, horizon=5)
    origins = windows.training_origins(series, 150, most=1000)
    assert origins[0] == windows.first_origin(series.season) == 17
    assert origins[-1] + windows.horizon == 149
    assert np.array_equal(np.diff(origins), np.ones(len(origins) - 1))


def test_many_training_origins_are_thinned_evenly():
    origins = Windows(past=10, horizon=5).training_origins(long_series(), 150, most=20)
    assert len(origins) == 20
    assert (origins[0], origins[-1]) == (17, 144)
    assert set(np.diff(origins)) <= {6, 7}


@pytest.mark.parametrize("future", [np.nan, 1e9, -3.0])
def test_no_window_depends_on_what_comes_after_its_origin(future):
    series, windows, origin = long_series(), Windows(past=12, horizon=20), 120
    changed = series.values.copy()
    changed[origin + 1 :] = future
    origins = np.arange(origin - 30, origin + 1)
    for span in (0, 3, 200):
        scaling = replace(PLAIN, span=span)
        before = windows.inputs(series, origins, scaling)
        after = windows.inputs(Series(changed, series.season), origins, scaling)
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("future", [np.nan, 1e9, -3.0])
def test_no_forecast_depends_on_what_comes_after_its_origin(future):
    series, windows, origin = long_series(), Windows(past=12, horizon=20), 150
    network = train(series, 120, windows, Recipe(units=4, epochs=1))
    changed = series.values.copy()
    changed[origin + 1 :] = future
    origins = np.arange(120, origin + 1)
    before = network.predict(series, origins)
    np.testing.assert_array_equal(before, network.predict(Series(changed, 8), origins))


@pytest.mark.parametrize("future", [np.nan, 1e9, -3.0])
def test_training_does_not_depend_on_the_held_out_part(future):
    series, windows, end = long_series(), Windows(past=12, horizon=6), 120
    changed = series.values.copy()
    changed[end:] = future
    recipe = Recipe(units=4, epochs=2)
    one = train(series, end, windows, recipe)
    other = train(Series(changed, 8), end, windows, recipe)
    assert one.scaling == other.scaling
    for a, b in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
