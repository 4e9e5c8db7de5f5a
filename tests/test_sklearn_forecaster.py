"""RNNForecaster: better than seasonal naive, exogenous columns, calendar, intervals, pickles."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason='needs scikit-learn: pip install "tidegate[sklearn]"')

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.utils import estimator_checks

from tidegate.sklearn import RNNForecaster

ONE = {"random_state": 0, "num_threads": 1}
T = np.arange(400)
CYCLE = 3 * np.sin(2 * np.pi * T / 12) + np.random.default_rng(0).normal(0, 1, 400)
# What needs no data; the rest of scikit-learn's checks feeds tables of samples, not series.
CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_mixin_order",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
]


def forecaster(**options):
    """A quick one."""
    arguments = {"horizon": 6, "season": 12, "coverage": None, "units": 8, "epochs": 2, **ONE}
    return RNNForecaster(**{**arguments, **options})


@pytest.mark.parametrize("name", CHECKS)
def test_official_check(name):
    check = getattr(estimator_checks, name, None) or getattr(estimator_checks, f"{name}s")
    check("RNNForecaster", RNNForecaster())


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_sunspots_are_forecast_better_than_by_the_last_cycle(cell):
    datasets = pytest.importorskip("statsmodels.datasets", reason="needs statsmodels")
    y = datasets.sunspots.load_pandas().data.SUNACTIVITY
    result = RNNForecaster(horizon=11, season=11, cell=cell, **ONE).backtest(y, test_size=60)
    naive, learnt = result.scores[0], result.scores[-1]
    assert (naive.method, learnt.method) == ("seasonal naive", cell.upper())
    assert learnt.rmse < 0.95 * naive.rmse
    assert result.forecasts[cell.upper()].shape == result.truth.shape == (50, 11)
    assert "the intervals cover" in str(result)


def test_a_noisy_cycle_is_forecast_and_its_intervals_cover_what_they_say():
    result = RNNForecaster(horizon=6, season=12, units=16, coverage=0.8, **ONE).backtest(CYCLE)
    # The naive error is √2 times the noise; a perfect forecast has the noise itself, 0.71 of it.
    assert result.scores[-1].rmse < 0.9 * result.scores[0].rmse
    assert 0.7 < result.covered < 0.95
    lower, upper = result.intervals[..., 0], result.intervals[..., 1]
    inside = (lower <= result.truth) & (result.truth <= upper)
    assert result.covered == inside.mean()
    assert (lower <= result.forecasts["GRU"]).all()
    assert (result.forecasts["GRU"] <= upper).all()


def test_margins_only_widen():
    plain, widened = (
        forecaster(coverage=0.5, epochs=4, calibrate=calibrate).fit(CYCLE)
        for calibrate in (False, True)
    )
    assert plain.margins_ == [0.0]
    margin = widened.margins_[0]
    assert margin > 0
    np.testing.assert_array_equal(plain.predict(), widened.predict())
    np.testing.assert_allclose(
        widened.predict_interval() - plain.predict_interval(), [[-margin, margin]] * 6
    )


def test_exogenous_columns_tell_what_the_past_cannot():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((400, 2))
    y = CYCLE / 3 + 4 * X[:, 1]
    options = {"epochs": 15, "learning_rate": 0.01, "units": 16}
    blind = forecaster(**options).backtest(y)
    seeing = forecaster(**options).backtest(y, X)
    assert seeing.scores[-1].rmse < 0.5 * blind.scores[-1].rmse
    model = forecaster(**options).fit(y[:390], X[:390])
    as_told, otherwise = (model.predict(X_future=table) for table in (X[390:396], -X[390:396]))
    effect = np.polyfit(8 * X[390:396, 1], as_told - otherwise, 1)[0]
    assert 0.6 < effect < 1.4
    np.testing.assert_array_equal(model.predict(2, X[390:392])[:1], as_told[:1])


def test_the_calendar_is_seen_where_there_are_times():
    times = np.datetime64("2024-01-01T00", "h") + np.arange(24 * 7 * 8)
    hour, day = np.arange(len(times)) % 24, np.arange(len(times)) // 24 % 7
    y = np.sin(2 * np.pi * hour / 24) + 3.0 * (day >= 5)
    model = forecaster(season=24, horizon=24, epochs=6, past=24).fit(y, times=times)
    assert model.periods_ == (168,)
    blind = clone(model).set_params(calendar=False).fit(y, times=times)
    assert blind.periods_ == ()
    results = [m.backtest(y, times=times).scores[-1].rmse for m in (model, blind)]
    assert results[0] < 0.8 * results[1]
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    indexed = clone(model).fit(pandas.Series(y, times))
    np.testing.assert_array_equal(indexed.predict(), model.predict())
    periods = pandas.Series(y, pandas.PeriodIndex(times, freq="h"))
    np.testing.assert_array_equal(clone(model).fit(periods).predict(), model.predict())


def test_missing_rows_are_gaps():
    times = np.datetime64("2024-01-01") + T
    holes = CYCLE.copy()
    holes[[50, 51, 200]] = np.nan
    kept = ~np.isnan(holes)
    whole = forecaster().fit(holes, times=times)
    np.testing.assert_array_equal(
        whole.predict(), forecaster().fit(holes[kept], times=times[kept]).predict()
    )
    assert np.isfinite(whole.predict()).all()
    late = np.concatenate([np.full(12, np.nan), CYCLE])  # a series begins with its first value
    np.testing.assert_array_equal(
        forecaster().fit(late).predict(), forecaster().fit(CYCLE).predict()
    )


def test_series_that_begin_late_or_end_early():
    late = np.concatenate([np.full(12, np.nan), CYCLE])
    one, other = (forecaster().backtest(y, test_size=80) for y in (CYCLE, late))
    np.testing.assert_array_equal(one.forecasts["GRU"], other.forecasts["GRU"])
    np.testing.assert_array_equal(one.truth, other.truth)
    early = np.where(T < 395, CYCLE, np.nan)
    model = forecaster(epochs=12).fit(early)
    # What the season says, although the last five values before the forecast are missing.
    assert np.abs(model.predict() - 3 * np.sin(2 * np.pi * (400 + np.arange(6)) / 12)).max() < 3


def test_several_series_share_one_network_and_keep_their_scales():
    y = np.stack([CYCLE, 1000 - 50 * CYCLE], axis=1)
    model = forecaster(epochs=10, coverage=0.8).fit(y)
    assert model.predict().shape == (6, 2)
    assert model.predict_interval(4).shape == (4, 2, 2)
    first, second = model.predict().T
    assert abs(first).max() < 6
    assert (abs(second - 1000) < 300).all()
    results = model.backtest(y)
    assert [result.scores[-1].rmse < result.scores[0].rmse for result in results] == [True, True]
    alone = forecaster().fit(CYCLE[:, None])
    np.testing.assert_array_equal(alone.predict()[:, 0], forecaster().fit(CYCLE).predict())


def test_the_season_is_found():
    assert forecaster(season=None).fit(CYCLE).series_[0].season == 12


def test_a_backtest_sees_nothing_after_its_origins():
    changed = CYCLE.copy()
    changed[340:] = 1e3
    one, other = (forecaster().backtest(y, test_size=80) for y in (CYCLE, changed))
    before = one.origins < 340
    assert before.any()
    np.testing.assert_array_equal(one.forecasts["GRU"][before], other.forecasts["GRU"][before])


def test_bits_depend_on_random_state_alone():
    one, two = (forecaster(num_threads=count).fit(CYCLE) for count in (1, 2))
    np.testing.assert_array_equal(one.predict(), two.predict())
    assert (forecaster(random_state=1).fit(CYCLE).predict() != one.predict()).all()


def test_a_pickle_forecasts_the_same_bits():
    model = forecaster(coverage=0.8).fit(CYCLE, T % 3)
    assert isinstance(model.__getstate__()["model_"], bytes)
    copy = pickle.loads(pickle.dumps(model))
    future = np.arange(6) % 3
    for method in ("predict", "predict_interval"):
        np.testing.assert_array_equal(
            getattr(copy, method)(X_future=future), getattr(model, method)(X_future=future)
        )


def test_a_grid_search_scores_what_comes_next():
    model = forecaster().fit(CYCLE[:390])
    truth, k = CYCLE[390:396], 390 - 12
    naive = np.sum((truth - CYCLE[k : k + 6]) ** 2)
    expected = 1 - np.sum((truth - model.predict()) ** 2) / naive
    assert model.score(CYCLE[390:]) == pytest.approx(expected)
    cv = TimeSeriesSplit(n_splits=2, test_size=6)
    search = GridSearchCV(forecaster(), {"epochs": [1, 12]}, cv=cv).fit(CYCLE)
    assert search.best_params_ == {"epochs": 12}
    assert search.predict(3).shape == (3,)


GIVEN = {"y": CYCLE}
TIMES = np.datetime64("2024-01-01") + T


@pytest.mark.parametrize(
    ("options", "given", "kind", "message"),
    [
        ({}, {"y": []}, ValueError, r"fit: y has shape \(0,\); expected \(n,\), or \(n, S\)"),
        (
            {"season": 12, "horizon": 6},
            {"y": CYCLE[:20]},
            ValueError,
            r'RNNForecaster.fit: column "y" has 0 windows .*in 20 rows; expected .* take 49 rows',
        ),
        ({"coverage": 0.9}, {"y": CYCLE[:3]}, ValueError, '"y" has 0 windows .*expected at least'),
        ({}, {"y": ["a"] * 400}, TypeError, "fit: y has dtype <U1"),
        ({}, {"y": CYCLE * np.inf}, ValueError, "fit: y has the value inf"),
        ({}, {"y": CYCLE * np.nan}, ValueError, "fit: y has no number in its 400 rows"),
        ({}, {"X": T[:9]}, ValueError, r"fit: X has shape \(9, 1\); expected \(400, E\)"),
        ({}, {"X": T * np.nan}, ValueError, "fit: X has the value nan"),
        ({}, {"times": T}, TypeError, "fit: times has dtype int64; expected datetime64"),
        ({}, {"times": TIMES[:9]}, ValueError, r"times has shape \(9,\); expected \(400,\)"),
        ({}, {"times": TIMES[::-1]}, ValueError, r"fit: times\[1\]: .* is before the time above"),
        (
            {},
            {"times": TIMES + (np.arange(400) == 7) * np.timedelta64(5, "m")},
            ValueError,
            r"times\[7\]: .*resample to even steps, or leave out times \(",
        ),
        ({"horizon": 0}, {}, ValueError, "RNNForecaster.fit: horizon is 0; expected"),
        ({"coverage": 1.0}, {}, ValueError, "fit: coverage is 1; expected 0 < coverage < 1"),
        ({"coverage": 0}, {}, ValueError, "fit: coverage is 0; expected 0 < coverage < 1"),
        ({"cell": "rnn"}, {}, ValueError, "fit: cell is 'rnn'; expected one of"),
        ({"season": 0}, {}, ValueError, "fit: season is 0"),
        ({"past": 0}, {}, ValueError, "fit: past is 0"),
        ({"calendar": 1}, {}, TypeError, "fit: calendar is 1 of type int"),
    ],
)
def test_bad_input_of_fit(options, given, kind, message):
    with pytest.raises(kind, match=message):
        forecaster(**options).fit(**{**GIVEN, **given})


def test_exogenous_columns_need_every_step():
    kept = T != 7
    with pytest.raises(ValueError, match=r"times has no row for 2024-01-08.*expected a row for"):
        forecaster().fit(CYCLE[kept], T[kept], times=TIMES[kept])


def test_bad_input_of_predict():
    model = forecaster().fit(CYCLE)
    with pytest.raises(NotFittedError):
        forecaster().predict()
    with pytest.raises(ValueError, match="predict: horizon is 7; expected at most 6, as in fit"):
        model.predict(7)
    with pytest.raises(ValueError, match="X_future is given; expected none, as fit had no X"):
        model.predict(2, T[:2])
    with pytest.raises(ValueError, match="predict_interval: coverage is None; expected a number"):
        model.predict_interval()
    with pytest.raises(ValueError, match="score: y has 2 series; expected 1, as in fit"):
        model.score(np.ones((6, 2)))
    with pytest.raises(ValueError, match="backtest: test_size is 3; expected an integer >= 6"):
        model.backtest(CYCLE, test_size=3)
    with pytest.raises(ValueError, match="y has 400 steps; expected more than the 500 held out"):
        model.backtest(CYCLE, test_size=500)
    told = forecaster().fit(CYCLE, T)
    with pytest.raises(ValueError, match=r"X_future is missing; expected \(6, 1\), the exogenous"):
        told.predict()
    with pytest.raises(ValueError, match=r"X_future has shape \(2, 1\); expected \(6, 1\)"):
        told.predict(X_future=T[:2])


def test_a_fit_that_fails_leaves_what_was_learnt_before():
    model = forecaster().fit(CYCLE)
    expected = model.predict()
    with pytest.raises(ValueError, match="windows"):
        model.fit(np.stack([CYCLE, CYCLE], 1)[:20], T[:20])
    assert len(model.series_) == 1 and len(model.series_[0]) == 400
    assert model.n_exogenous_ == 0
    np.testing.assert_array_equal(model.predict(), expected)
