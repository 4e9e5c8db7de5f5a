"""Rolling origins, scores by hand, the table."""

import numpy as np
import pytest

from tidegate.forecast import evaluate
from tidegate.forecast.evaluate import HeldOut, Score
from tidegate.forecast.series import Series
from tidegate.forecast.windows import Windows


def test_origins_start_just_before_the_held_out_part_and_leave_a_full_horizon():
    held_out = HeldOut.of(Series(np.arange(20.0)), 12, 3)
    assert held_out.origins.tolist() == [11, 12, 13, 14, 15, 16]
    assert held_out.truth[0].tolist() == [12, 13, 14]
    assert held_out.truth[-1].tolist() == [17, 18, 19]


def test_a_held_out_part_of_one_horizon_has_one_origin():
    assert HeldOut.of(Series(np.arange(20.0)), 17, 3).origins.tolist() == [16]


def test_many_origins_are_thinned_from_the_first_to_the_last():
    origins = HeldOut.of(Series(np.arange(5000.0)), 1000, 10).origins
    assert len(origins) == evaluate.MOST_ORIGINS
    assert (origins[0], origins[-1]) == (999, 4989)


def test_scores_by_hand_leave_missing_values_out():
    series = Series(np.array([0.0, 1.0, np.nan, 4.0]))
    held_out = HeldOut.of(series, 1, 2)
    assert held_out.origins.tolist() == [0, 1]
    # truth [[1, nan], [nan, 4]]: errors 3 and 4
    score = held_out.score("zeros", np.array([[4.0, 9.0], [9.0, 0.0]]))
    assert score == Score("zeros", pytest.approx(np.sqrt(12.5)), 3.5)


def test_the_drift_span_comes_from_the_training_part():
    # Flat in training, steep when held out: a drift would win there, but may not be known.
    values = np.concatenate([np.tile([0.0, 1.0], 60), 100 * np.arange(40.0)])
    series = Series(values, season=2)
    methods = evaluate.baseline_methods(series, HeldOut.of(series, 120, 4), Windows(16, 4))
    assert list(methods) == ["seasonal naive"]


def test_baselines_are_named_after_the_season():
    series = Series(np.arange(200.0))
    held_out = HeldOut.of(series, 160, 4)
    methods = evaluate.baseline_methods(series, held_out, Windows(16, 4))
    assert list(methods) == ["last value", "last value + drift"]
    forecasts = methods["last value + drift"](held_out.origins)
    np.testing.assert_allclose(forecasts, held_out.truth)


def test_rolling_in_chunks_changes_nothing(capsys):
    origins = np.arange(100)
    rolled = evaluate.roll(lambda chunk: chunk[:, None] * 2.0, origins, "doubling", verbose=1)
    np.testing.assert_array_equal(rolled[:, 0], origins * 2.0)
    assert "doubling: rolling origins: 100%" in capsys.readouterr().err


def test_the_table_when_the_first_method_is_perfect():
    rows = evaluate.table([Score("naive", 0.0, 0.0), Score("network", 0.5, 0.5)]).splitlines()
    assert [row.split()[-1] for row in rows[2:]] == ["-", "-"]


def test_the_table():
    text = evaluate.table([Score("naive", 2.0, 1.5), Score("network", 0.81234, 0.5)], "ppm")
    assert text.splitlines() == [
        "method   RMSE (ppm)  MAE (ppm)  RMSE / naive",
        "-------  ----------  ---------  ------------",
        "naive         2.000      1.500          1.00",
        "network      0.8123     0.5000          0.41",
    ]


def test_titles_of_the_table_stand_above_numbers_that_are_wider():
    text = evaluate.table([Score("naive", 12.377, 1.5), Score("network", 2.327e7, 0.5)])
    assert text.splitlines() == [
        "method        RMSE     MAE  RMSE / naive",
        "-------  ---------  ------  ------------",
        "naive        12.38   1.500          1.00",
        "network  2.327e+07  0.5000    1880100.19",
    ]
