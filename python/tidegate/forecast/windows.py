"""What the network sees and what it is asked for.

One sequence per origin o: `past` observed steps, then the `horizon` steps to be forecast, filled
with what is known about them at o. The network reads all of it and answers at the last `horizon`:

    step t            o-past+1 … o                     o+1 … o+horizon
    source s          t                                t - k·season, the latest season known
    level             filled[s] - mean of the last season up to o
    change            change[s]  (over a season, less its training median)
    missing           1 if y[s] was missing
    sin, cos          phase of t within the season
    ahead             0                                (t - o) / horizon
    exogenous         columns[t], one feature each     columns[t], as they are known beforehand

    target            -                                y[t] - (seasonal naive + drift)[t]

so what the network learns is the correction of the baseline. Change, target and exogenous columns
lose their medians; they and the level are divided by scales that come from the training origins
alone: quartile distances, which a few wild values do not move. What lies more than 10 scales out is
cut there, so that one broken sensor reading cannot outweigh all the rest.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.forecast import baselines
from tidegate.forecast.series import Series

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_REACH = 10.0  # scales; see above
_QUARTILES = 1.349  # distance of the quartiles of a normal distribution, in standard deviations

FEATURES = ("level", "change", "missing", "sin", "cos", "ahead")


@dataclass(frozen=True)
class Scaling:
    """Numbers learnt from the training origins: drift span, and what to divide by."""

    span: int
    level: float
    change_middle: float
    change: float
    target_middle: float
    target_scale: float
    exogenous_middle: tuple[float, ...] = ()
    exogenous_scale: tuple[float, ...] = ()


@dataclass(frozen=True)
class Windows:
    """Cuts a series into the sequences described at the head of this file."""

    past: int
    horizon: int

    def first_origin(self, season: int) -> int:
        """Return the earliest origin with a full window and its changes over a season."""
        return season + max(season, self.past) - 1

    def training_origins(self, series: Series, end: int, most: int) -> Ints:
        """Return origins whose targets all lie before step `end`, at most `most`, evenly spread."""
        first, last = self.first_origin(series.season), end - 1 - self.horizon
        count = last - first + 1
        if count <= most:
            return np.arange(first, last + 1)
        return np.unique(np.linspace(first, last, most).round().astype(np.int64))

    def fit(self, series: Series, origins: Ints) -> Scaling:
        """Learn drift span and scales from training origins."""
        spans = (0, baselines.recent_span(series.season))
        span = baselines.choose_span(series, origins, self.horizon, spans)
        raw = self._features(series, origins, span)
        target = self._residual(series, origins, span)
        exogenous = np.moveaxis(raw[..., len(FEATURES) :], -1, 0)
        return Scaling(
            span=span,
            level=_scale(raw[..., 0]),
            change_middle=float(np.median(raw[..., 1])),
            change=_scale(raw[..., 1]),
            target_middle=float(np.nanmedian(target)),
            target_scale=_scale(target),
            exogenous_middle=tuple(float(np.median(column)) for column in exogenous),
            exogenous_scale=tuple(_scale(column) for column in exogenous),
        )

    def inputs(self, series: Series, origins: Ints, scaling: Scaling) -> Floats32:
        """Return x (N, past + horizon, 6 + E) float32: FEATURES, then the exogenous columns."""
        x = self._features(series, origins, scaling.span)
        x[..., 0] /= scaling.level
        x[..., 1] = (x[..., 1] - scaling.change_middle) / scaling.change
        np.clip(x[..., :2], -_REACH, _REACH, out=x[..., :2])
        columns = x[..., len(FEATURES) :]
        columns[...] = (columns - scaling.exogenous_middle) / scaling.exogenous_scale
        np.clip(columns, -_REACH, _REACH, out=columns)
        return x.astype(np.float32)

    def targets(self, series: Series, origins: Ints, scaling: Scaling) -> tuple[Floats32, Floats32]:
        """Return targets and their weights.

        Returns
        -------
        y (N, past + horizon, 1) float32
            0 in the past and where the target is missing.
        weight (N, past + horizon) float32
            0 in the past and where the target is missing, else (past + horizon) / horizon.
        """
        residual = self._residual(series, origins, scaling.span)
        scaled = ((residual - scaling.target_middle) / scaling.target_scale).clip(-_REACH, _REACH)
        observed = ~np.isnan(scaled)
        length = self.past + self.horizon
        y = np.zeros((len(origins), length, 1), dtype=np.float32)
        weight = np.zeros((len(origins), length), dtype=np.float32)
        y[:, self.past :, 0] = np.where(observed, scaled, 0.0)
        weight[:, self.past :] = observed * (length / self.horizon)
        return y, weight

    def forecasts(
        self,
        series: Series,
        origins: Ints,
        scaling: Scaling,
        answers: npt.NDArray[Any],
        column: int = 0,
    ) -> Floats:
        """Turn one column of the answers (N, past + horizon, Q) into (N, horizon) float64."""
        correction = answers[:, self.past :, column].astype(np.float64)
        base = baselines.seasonal_drift(series, origins, self.horizon, scaling.span)
        return np.asarray(base + correction * scaling.target_scale + scaling.target_middle)

    def _features(self, series: Series, origins: Ints, span: int) -> Floats:
        """Return unscaled features (N, past + horizon, 6 + E)."""
        past_steps = origins[:, None] + np.arange(1 - self.past, 1)
        ahead_steps = origins[:, None] + np.arange(1, self.horizon + 1)
        known, _ = baselines.sources(origins, self.horizon, series.season)
        source = np.concatenate([past_steps, known], axis=1)
        steps = np.concatenate([past_steps, ahead_steps], axis=1)
        level = _trailing_mean(series.filled, origins, series.season)
        angle = 2 * np.pi * series.axis.phase(steps, series.season)
        lead = np.arange(1 - self.past, self.horizon + 1).clip(0) / self.horizon
        columns = (
            series.filled[source] - level[:, None],
            series.change[source],
            series.missing[source],
            np.sin(angle),
            np.cos(angle),
            np.broadcast_to(lead, steps.shape),
        )
        features = np.stack(columns, axis=-1).astype(np.float64)
        if series.exogenous is None:
            return features
        return np.concatenate([features, series.exogenous[steps]], axis=-1)

    def _residual(self, series: Series, origins: Ints, span: int) -> Floats:
        """Return what the baseline misses (N, horizon), NaN where the truth is missing."""
        steps = origins[:, None] + np.arange(1, self.horizon + 1)
        base = baselines.seasonal_drift(series, origins, self.horizon, span)
        return np.asarray(series.values[steps] - base)


def _trailing_mean(filled: Floats, origins: Ints, season: int) -> Floats:
    """Return the mean of the last season up to each origin (N,)."""
    total = np.concatenate([[0.0], np.cumsum(filled)])
    return np.asarray((total[origins + 1] - total[origins + 1 - season]) / season)


def _scale(numbers: Floats) -> float:
    """Return the standard deviation of a normal distribution with the same quartiles.

    Where half of the numbers are equal, their own standard deviation, and 1 if all are.
    """
    low, high = np.nanquantile(numbers, [0.25, 0.75])
    scale = float(high - low) / _QUARTILES or float(np.nanstd(numbers))
    return scale if scale > 0 else 1.0
