"""Rolling-origin evaluation: forecast from every origin of the held-out part, score, compare.

    |---------- training ----------|------- held out -------|
                                   o→ horizon
                                     o→ horizon
                                            …   o→ horizon

Each forecast sees the series up to its own origin o; the network and its scaling come from the
training part alone. Missing values are not scored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidegate._extras import require
from tidegate.forecast import baselines
from tidegate.forecast.forecaster import Forecaster
from tidegate.forecast.series import Series
from tidegate.forecast.windows import Windows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Method = Callable[[Ints], Floats]

MOST_ORIGINS = 512
_CHUNK = 32


@dataclass(frozen=True)
class Score:
    """Errors of one method over all origins and leads, in the unit of the series."""

    method: str
    rmse: float
    mae: float


@dataclass(frozen=True)
class HeldOut:
    """The held-out part: where it starts, the origins in it and what came true.

    Attributes
    ----------
    start : int
        First held-out step.
    origins : (N,) int64
        From start - 1 on, each with a full horizon behind it.
    truth : (N, horizon) float64
        NaN where missing.
    """

    start: int
    origins: Ints
    truth: Floats

    @classmethod
    def of(cls, series: Series, start: int, horizon: int) -> "HeldOut":
        """Hold out everything from step `start` on."""
        last = len(series) - 1 - horizon
        count = min(last - start + 2, MOST_ORIGINS)
        origins = np.unique(np.linspace(start - 1, last, count).round().astype(np.int64))
        return cls(start, origins, series.values[origins[:, None] + np.arange(1, horizon + 1)])

    def score(self, method: str, forecasts: Floats) -> Score:
        """Return RMSE and MAE over all observed values of all origins."""
        error = forecasts - self.truth
        return Score(method, float(np.sqrt(np.nanmean(error**2))), float(np.nanmean(np.abs(error))))


def baseline_methods(series: Series, held_out: HeldOut, windows: Windows) -> dict[str, Method]:
    """Return what the networks are compared with; the drift span is chosen on the training part."""
    horizon, season = windows.horizon, series.season
    known = series.until(held_out.start)
    training = windows.training_origins(known, held_out.start, MOST_ORIGINS)
    span = baselines.choose_span(known, training, horizon)
    naive = "seasonal naive" if season > 1 else "last value"
    methods = {naive: lambda origins: baselines.seasonal_naive(series, origins, horizon)}
    if span:
        methods[f"{naive} + drift"] = lambda origins: baselines.seasonal_drift(
            series, origins, horizon, span
        )
    return methods


def roll(method: Method, origins: Ints, name: str, *, verbose: int = 0) -> Floats:
    """Forecast from every origin (N, horizon), with a progress bar if `verbose`."""
    chunks: Sequence[Ints] = np.array_split(origins, -(-len(origins) // _CHUNK))
    what = f"{name}: rolling origins"
    return np.concatenate([method(chunk) for chunk in shown(chunks, what, "origin", verbose)])


def shown(chunks: Sequence[Ints], what: str, unit: str, verbose: int) -> Iterator[Ints]:
    """Yield chunks of numbers while a bar counts the numbers."""
    if not verbose:
        yield from chunks
        return
    tqdm = require("tqdm", extra="progress", purpose="a progress bar").tqdm
    with tqdm(total=sum(map(len, chunks)), desc=what, unit=unit) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk))


def evaluate(
    series: Series,
    held_out: HeldOut,
    windows: Windows,
    networks: dict[str, Forecaster],
    *,
    verbose: int = 0,
) -> tuple[list[Score], dict[str, Floats]]:
    """Score baselines and networks over the held-out part.

    Returns
    -------
    one Score per method, baselines first; the forecasts (N, horizon) of each by name
    """
    scores, forecasts = [], {}
    for name, method in baseline_methods(series, held_out, windows).items():
        forecasts[name] = roll(method, held_out.origins, name)
    for name, network in networks.items():

        def predict(origins: Ints, network: Forecaster = network) -> Floats:
            return network.predict(series, origins)

        forecasts[name] = roll(predict, held_out.origins, name, verbose=verbose)
    scores = [held_out.score(name, rolled) for name, rolled in forecasts.items()]
    return scores, forecasts


def table(scores: Sequence[Score], unit: str = "") -> str:
    """Lay out the scores; the last column is the RMSE as a share of the first method's."""
    suffix = f" ({unit})" if unit else ""
    rows = [["method", f"RMSE{suffix}", f"MAE{suffix}", f"RMSE / {scores[0].method}"]]
    first = scores[0].rmse
    for score in scores:
        share = f"{score.rmse / first:.2f}" if first > 0 else "-"
        rows.append([score.method, _four_digits(score.rmse), _four_digits(score.mae), share])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def verdict(scores: Sequence[Score], advice: str) -> str:
    """Say plainly whether the network, the last of the scores, is worth its cost."""
    *simple, network = scores
    best = min(simple, key=lambda score: score.rmse)
    if network.rmse < 0.99 * best.rmse:
        share = 1 - network.rmse / best.rmse
        return f"{network.method} beats {best.method} by {share:.0%} of its RMSE."
    return f"{network.method} is no better than {best.method} on the held-out part: {advice}."


def _four_digits(number: float) -> str:
    """Write a number with four digits, zeros included: columns line up."""
    return f"{number:#.4g}".rstrip(".")
