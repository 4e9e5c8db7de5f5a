"""Backtest: what a forecaster would have said, beside what came true and the simple forecasts."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidegate.forecast import evaluate
from tidegate.forecast.forecaster import Forecaster
from tidegate.forecast.series import Series
from tidegate.sklearn.intervals import ends_of

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Backtest:
    """Rolling-origin evaluation of one series; print it for the table.

    Attributes
    ----------
    scores : list of Score
        RMSE and MAE of the baselines, then of the network, over all origins and leads.
    origins : (N,) int64
        Steps of the series, from its first value on, after which each forecast begins.
    truth : (N, horizon) float64
        NaN where missing.
    forecasts : dict of str to (N, horizon) float64
        By name of the method.
    intervals : (N, horizon, 2) float64 or None
        Lower and upper end, of the network.
    covered : float or None
        Share of the observed values inside the intervals.
    """

    scores: list[evaluate.Score]
    origins: npt.NDArray[np.int64]
    truth: Floats
    forecasts: dict[str, Floats]
    intervals: Floats | None
    covered: float | None

    def __str__(self) -> str:
        """Return the table of scores, and how many values the intervals cover."""
        lines = [evaluate.table(self.scores)]
        if self.covered is not None:
            lines.append(f"the intervals cover {self.covered:.1%} of the values")
        return "\n".join(lines)


def backtest(series: Series, start: int, network: Forecaster, margin: float) -> Backtest:
    """Forecast from every origin from `start` on by a network that was trained before it.

    `margin` moves the ends of the intervals outwards.
    """
    windows = network.windows
    held_out = evaluate.HeldOut.of(series, start, windows.horizon)
    name = network.recipe.cell.upper()
    scores, forecasts = evaluate.evaluate(series, held_out, windows, {name: network})
    intervals = covered = None
    if network.recipe.quantiles:
        intervals = ends_of(network.quantiles(series, held_out.origins), margin)
        observed = ~np.isnan(held_out.truth)
        inside = (intervals[..., 0] <= held_out.truth) & (held_out.truth <= intervals[..., 1])
        covered = float(inside[observed].mean())
    return Backtest(scores, held_out.origins, held_out.truth, forecasts, intervals, covered)
