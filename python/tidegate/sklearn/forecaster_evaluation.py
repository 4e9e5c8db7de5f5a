"""How good an RNNForecaster is: backtest, score."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from tidegate.forecast import baselines
from tidegate.forecast.load import held_out_start
from tidegate.layers import checks
from tidegate.sklearn.backtest import Backtest, backtest
from tidegate.sklearn.series import make_series, values_of, with_calendar


class ForecasterEvaluation:
    """Mixin of RNNForecaster."""

    def backtest(
        self: Any, y: Any, X: Any = None, *, times: Any = None, test_size: int | None = None
    ) -> Backtest | list[Backtest]:
        """Fit a copy on the first part, forecast from every origin in the rest, and score.

        Parameters
        ----------
        y, X, times
            As in `fit`.
        test_size : int, optional
            How many steps at the end are held out; by default a sixth, at least a horizon.

        Returns
        -------
        Backtest, or a list of them where y is (n, S)
            Beside seasonal naive, with drift too where that forecasts the first part better.
        """
        where = self._where("backtest")
        horizon = checks.integer(where, "horizon", self.horizon)
        copy: Any = clone(self)
        whole = make_series(where, y, X, times, season=1, horizon=horizon, end=None)[0]
        count = whole.axis.first + len(whole)
        start = held_out_start(count, horizon)
        if test_size is not None:
            start = count - checks.integer(where, "test_size", test_size, least=horizon)
        if start < 1:
            raise ValueError(
                f"{where}: y has {count} steps; expected more than the {count - start} held out."
            )
        copy._learn("backtest", y, X, times, start)
        results = [
            backtest(
                with_calendar(one, 0, copy.periods_),
                start - one.axis.first,
                copy._network(number),
                copy.margins_[number],
            )
            for number, one in enumerate(copy.series_)
        ]
        return results if copy._several else results[0]

    def score(self: Any, y: Any, X: Any = None) -> float:
        """Return 1 - Σ error² / Σ error² of seasonal naive, over the steps after those of `fit`.

        Parameters
        ----------
        y : (m,) or (m, S) array
            What came next; at most `horizon` steps of it are looked at.
        X : (m, E) array
            Exogenous columns in these steps.

        Returns
        -------
        float
            1 is perfect, 0 as good as seasonal naive: what a grid search maximises, with
            `TimeSeriesSplit(test_size=horizon)`.
        """
        check_is_fitted(self)
        where = self._where("score")
        truth = values_of(where, y)[: self.windows_.horizon]
        if truth.shape[1] != len(self.series_):
            raise ValueError(
                f"{where}: y has {truth.shape[1]} series; expected {len(self.series_)}, as in fit."
            )
        count = len(truth)
        future = None if X is None else np.asarray(X)[:count]
        forecasts = self._forecast("score", count, future, intervals=False)[..., 0]
        naive = [
            baselines.seasonal_naive(one, np.array([len(one) - 1]), count)[0]
            for one in self.series_
        ]
        error = np.nansum((forecasts.reshape(truth.shape) - truth) ** 2)
        base = np.nansum((np.stack(naive, axis=1) - truth) ** 2)
        return float(1 - error / base) if base > 0 else float(error == 0)
