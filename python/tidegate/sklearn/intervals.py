"""Margins of prediction intervals: quantiles learnt from the past are too narrow for what comes.

Conformalized quantile regression (Romano, Patterson & Candès 2019): a network trained without the
latest part forecasts it; the margin is the share-quantile of

    max(lower - y, y - upper)

over that part, by which both ends then move outwards. The network that forecasts is another one,
trained on everything.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidegate.forecast.errors import InputError
from tidegate.forecast.evaluate import HeldOut
from tidegate.forecast.forecaster import Recipe, train_together
from tidegate.forecast.load import held_out_start
from tidegate.forecast.series import Series
from tidegate.forecast.windows import Windows

Floats = npt.NDArray[np.float64]


def margins(
    series: Sequence[Series], ends: Sequence[int], windows: Windows, recipe: Recipe
) -> list[float]:
    """Return by how much to move the ends of intervals, for each series; 0 if one is too short."""
    starts = [held_out_start(end, windows.horizon) for end in ends]
    if min(starts) < 1:
        return [0.0] * len(series)
    try:
        networks = train_together(series, starts, windows, recipe)
    except InputError:
        return [0.0] * len(series)
    share = recipe.quantiles[-1] - recipe.quantiles[0]
    found = []
    for one, end, start, network in zip(series, ends, starts, networks, strict=True):
        known = one.until(end)
        held_out = HeldOut.of(known, start, windows.horizon)
        quantiles = network.quantiles(known, held_out.origins)
        missed = np.maximum(quantiles[..., 0] - held_out.truth, held_out.truth - quantiles[..., -1])
        missed = missed[~np.isnan(missed)]
        found.append(max(float(np.quantile(missed, share)), 0.0) if missed.size else 0.0)
    return found


def ends_of(quantiles: Floats, margin: float) -> Floats:
    """Return lower and upper ends (..., 2) from quantiles (..., Q)."""
    ends: Floats = quantiles[..., [0, -1]] + np.array([-margin, margin])
    return ends
