"""RNNForecaster: the next steps of one series or several, from plain arrays."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tidegate._thread_limit import limited
from tidegate.forecast.errors import InputError
from tidegate.forecast.forecaster import CELLS, Forecaster, Recipe, past_for, train_together
from tidegate.forecast.series import Series
from tidegate.forecast.windows import Scaling, Windows
from tidegate.layers import checks
from tidegate.layers.types import Array
from tidegate.sklearn.forecaster_evaluation import ForecasterEvaluation
from tidegate.sklearn.intervals import ends_of, margins
from tidegate.sklearn.pickles import SafetensorsState
from tidegate.sklearn.restoring import unchanged_on_failure
from tidegate.sklearn.series import columns_of, make_series, periods_of, with_calendar


@dataclass(kw_only=True, eq=False, repr=False)
class RNNForecaster(SafetensorsState, ForecasterEvaluation, BaseEstimator):
    """A recurrent network that forecasts all leads of a horizon at once.

    It learns what seasonal naive with drift misses (docs/forecasting.md); of several series, one
    network for all, each scaled by itself.

    Parameters
    ----------
    horizon : int
        How many steps ahead; `predict` may ask for fewer.
    season : int, optional
        Steps in one season, 1 for none; by default found in each series.
    past : int, optional
        Steps that the network reads before it answers; by default a season, 16 to 128.
    coverage : float or None
        Of the prediction intervals, 0 < p < 1. The network then learns their ends and the median,
        which is the forecast, by the quantile loss; with None it learns the mean.
    calibrate : bool
        Widen the intervals by what a second network, trained without the latest sixth, misses
        there; without, they tend to be too narrow.
    calendar : bool
        Where times are given: also show the network the phase of the day, week and year.
    cell : {"gru", "lstm"}
    units : int
    steps : int
        About so many steps of the optimizer, in at most 20 epochs, if `epochs` is not given.
    epochs : int, optional
    learning_rate : float
        Falls to 0 along half a cosine.
    random_state : int, RandomState or None
    num_threads : int, optional
        As in RNNClassifier.
    verbose : {0, 1}

    Attributes
    ----------
    model_ : Sequential
        The fitted native network.
    series_ : list of Series
        What was fitted on, with `season`; a gap at the end is part of it.
    history_ : dict of str to list of float
    n_exogenous_ : int
        Columns of X.
    margins_ : list of float
        By how much the intervals of each series are widened at either end.
    periods_ : tuple of int
        Steps of the calendar periods shown to the network.

    Notes
    -----
    Gaps in y are NaN. X holds columns that are known beforehand (holidays, prices, planned load):
    their values in the forecast steps come with `predict`. Times are an index of a pandas Series or
    the argument `times`, evenly spaced; y may have gaps there, too.

    Examples
    --------
    >>> t = np.arange(240)
    >>> y = 10 + 0.02 * t + np.sin(2 * np.pi * t / 12)
    >>> model = RNNForecaster(horizon=6, season=12, epochs=2, random_state=0).fit(y)
    >>> model.predict().shape, model.predict_interval(3).shape
    ((6,), (3, 2))
    """

    horizon: int = 1
    season: int | None = None
    past: int | None = None
    coverage: float | None = 0.9
    calibrate: bool = True
    calendar: bool = True
    cell: str = "gru"
    units: int = 32
    steps: int = 300
    epochs: int | None = None
    learning_rate: float = 3e-3
    random_state: Any = None
    num_threads: int | None = None
    verbose: int = 0

    # -- fit ---------------------------------------------------------------------------------------

    def fit(self, y: Any, X: Any = None, *, times: Any = None) -> "RNNForecaster":
        """Train on whole series.

        Parameters
        ----------
        y : (n,) or (n, S) array of numbers
            One series, or S of them; NaN where missing.
        X : (n,) or (n, E) array, optional
            Exogenous columns, known beforehand.
        times : (n,) datetime64, optional
            When each row was; evenly spaced, rows may be missing.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            The series is too short, or an argument cannot be used; the message says what was
            expected.
        """
        self._learn("fit", y, X, times, None)
        return self

    @unchanged_on_failure
    def _learn(self, method: str, y: Any, X: Any, times: Any, end: int | None) -> None:
        """Fit on the steps before `end`, or all; `series_` holds all steps."""
        where = self._where(method)
        recipe, horizon = self._recipe(where), checks.integer(where, "horizon", self.horizon)
        season = None if self.season is None else checks.integer(where, "season", self.season)
        series = make_series(where, y, X, times, season=season, horizon=horizon, end=end)
        self.n_exogenous_ = 0 if series[0].exogenous is None else series[0].exogenous.shape[1]
        shows = checks.boolean(where, "calendar", self.calendar)
        self.periods_ = periods_of(series) if shows else ()
        self.series_ = series
        self._several = len(np.shape(y)) == 2
        past = past_for(max(one.season for one in series))
        if self.past is not None:
            past = checks.integer(where, "past", self.past)
        self.windows_ = Windows(past, horizon)
        self.recipe_ = recipe
        starts = [one.axis.first for one in series]
        stop = starts[0] + len(series[0]) if end is None else end
        ends = [stop - start for start in starts]
        shown = [with_calendar(one, 0, self.periods_) for one in series]
        self.margins_ = [0.0] * len(series)
        with limited(self.num_threads):
            if recipe.quantiles and checks.boolean(where, "calibrate", self.calibrate):
                self.margins_ = margins(shown, ends, self.windows_, recipe)
            try:
                trained = train_together(shown, ends, self.windows_, recipe, verbose=self.verbose)
            except InputError as error:
                raise InputError(f"{where}: {error}") from None
        self.scalings_: list[Scaling] = [network.scaling for network in trained]
        model, history = trained[0].model, trained[0].history
        assert history is not None
        self.model_ = model
        self.history_ = {key: list(values) for key, values in history.history.items()}

    def _recipe(self, where: str) -> Recipe:
        """Return the checked arguments of the network and its training."""
        quantiles: tuple[float, ...] = ()
        if self.coverage is not None:
            share = checks.number(where, "coverage", self.coverage)
            if not 0 < share < 1:
                raise ValueError(
                    f"{where}: coverage is {share:g}; expected 0 < coverage < 1, such as 0.9, or "
                    "None for no intervals."
                )
            quantiles = ((1 - share) / 2, 0.5, (1 + share) / 2)
        cell = checks.choice(where, "cell", self.cell, CELLS)
        return Recipe(
            cell="lstm" if cell == "lstm" else "gru",
            units=checks.integer(where, "units", self.units),
            steps=checks.integer(where, "steps", self.steps),
            epochs=None if self.epochs is None else checks.integer(where, "epochs", self.epochs),
            learning_rate=checks.number(where, "learning_rate", self.learning_rate, least=0),
            seed=int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max)),
            quantiles=quantiles,
        )

    # -- predict -----------------------------------------------------------------------------------

    def predict(self, horizon: int | None = None, X_future: Any = None) -> Array:
        """Forecast the steps after the last one of `fit`.

        Parameters
        ----------
        horizon : int, optional
            How many steps; at most, and by default, that of the estimator.
        X_future : (horizon, E) array
            The exogenous columns in these steps; needed where `fit` had X.

        Returns
        -------
        (horizon,) or (horizon, S) float64 array, as y was in `fit`
        """
        return self._forecast("predict", horizon, X_future, intervals=False)[..., 0]

    def predict_interval(self, horizon: int | None = None, X_future: Any = None) -> Array:
        """Return the ends of the prediction intervals; arguments as in `predict`.

        Returns
        -------
        (horizon, 2) or (horizon, S, 2) float64 array
            Lower and upper end, learnt from the past, not a promise: `backtest` says how many
            values they would have covered.
        """
        if self.coverage is None:
            raise ValueError(
                f"{self._where('predict_interval')}: coverage is None; expected a number such as "
                "0.9, before fit."
            )
        return self._forecast("predict_interval", horizon, X_future, intervals=True)

    def _forecast(self, method: str, horizon: Any, X_future: Any, *, intervals: bool) -> Array:
        """Return (horizon, 1 or 2) or (horizon, S, 1 or 2) forecasts from the last step."""
        check_is_fitted(self)
        where, longest = self._where(method), self.windows_.horizon
        count = longest if horizon is None else checks.integer(where, "horizon", horizon)
        if count > longest:
            raise ValueError(
                f"{where}: horizon is {count}; expected at most {longest}, as in fit (all leads "
                "are forecast at once: fit with a longer horizon)."
            )
        future = self._future(where, X_future, count)
        forecasts = []
        for number, series in enumerate(self._ahead(future)):
            network, origins = self._network(number), np.array([len(series) - 1])
            with limited(self.num_threads):
                if intervals:
                    found = ends_of(network.quantiles(series, origins)[0], self.margins_[number])
                else:
                    found = network.predict(series, origins)[0][:, None]
            forecasts.append(found[:count])
        stacked: Array = np.stack(forecasts, axis=1)
        return stacked if self._several else stacked[:, 0]

    def _future(self, where: str, X_future: Any, count: int) -> Array | None:
        """Return exogenous columns of a whole horizon; steps not asked for get the last row."""
        if not self.n_exogenous_:
            if X_future is not None:
                raise ValueError(f"{where}: X_future is given; expected none, as fit had no X.")
            return None
        if X_future is None:
            raise ValueError(
                f"{where}: X_future is missing; expected ({count}, {self.n_exogenous_}), the "
                "exogenous columns in the steps to forecast."
            )
        columns = columns_of(where, "X_future", X_future, count, self.n_exogenous_)
        return np.pad(columns, [(0, self.windows_.horizon - count), (0, 0)], mode="edge")

    def _ahead(self, future: Array | None) -> list[Series]:
        """Return the series with what is known about the horizon."""
        made = []
        for series in self.series_:
            known = series.exogenous
            if known is not None and future is not None:
                known = np.concatenate([known, future])
            ahead = replace(series, exogenous=known)
            made.append(with_calendar(ahead, self.windows_.horizon, self.periods_))
        return made

    def _network(self, number: int) -> Forecaster:
        """Return the network with the scaling of one series."""
        return Forecaster(self.recipe_, self.windows_, self.scalings_[number], self.model_)

    def _where(self, method: str) -> str:
        return f"{type(self).__name__}.{method}"

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a model."""
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        """Say that the data are a series, not a table of samples."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.allow_nan = True
        return tags
