"""An evenly spaced series with gaps, and the one way in which gaps are filled: from the past.

A missing value is replaced by the value one season before plus the latest change over a season
that had been observed by then:

    filled[t] = filled[t - season] + (y[last] - filled[last - season])     last: newest observed < t

(without a season the last value is carried forward: one step's change is mostly noise), so that
nothing after `t` can reach `filled[t]`. Filled values feed the windows and the baselines;
they are never a target: training gives them weight 0 and scores leave them out.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tidegate.forecast.timeaxis import TimeAxis

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """An evenly spaced series.

    Attributes
    ----------
    values : (n,) float64
        NaN where missing; the first is observed.
    season : int
        Steps in one season, 1 for none.
    axis : TimeAxis
        What the steps mean.
    name : str
    exogenous : (m, E) float64, optional
        What is known beforehand at each step, m >= n: those beyond n are in the future.
    """

    values: Floats
    season: int = 1
    axis: TimeAxis = field(default_factory=TimeAxis)
    name: str = "value"
    exogenous: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse a series that cannot be filled from the past."""
        if self.values.ndim != 1 or self.values.size == 0 or np.isnan(self.values[0]):
            raise ValueError(
                f"Series: values has shape {self.values.shape}; expected (n,) with n >= 1 "
                "and an observed first value (trim leading gaps)."
            )
        if self.season < 1:
            raise ValueError(f"Series: season is {self.season}; expected >= 1 (1 means none).")
        columns = self.exogenous
        if columns is not None and (columns.ndim != 2 or len(columns) < len(self.values)):
            raise ValueError(
                f"Series: exogenous has shape {columns.shape}; expected (m, E) with "
                f"m >= {len(self.values)}, the number of values."
            )

    def __len__(self) -> int:
        """Return n, gaps included."""
        return len(self.values)

    @cached_property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Tell which values are missing (n,)."""
        return np.isnan(self.values)

    @cached_property
    def filled(self) -> Floats:
        """Return the values (n,) with gaps filled from the past only."""
        return causal_fill(self.values, self.season)

    @cached_property
    def change(self) -> Floats:
        """Return filled[t] - filled[t - season] (n,), 0 in the first season."""
        change: Floats = np.zeros_like(self.filled)
        change[self.season :] = self.filled[self.season :] - self.filled[: -self.season]
        return change

    def until(self, n: int) -> "Series":
        """Return the first n steps as a series of their own; what is known beforehand stays."""
        return replace(self, values=self.values[:n])


def causal_fill(values: Floats, season: int) -> Floats:
    """Fill gaps from earlier values only.

    Parameters
    ----------
    values : (n,) float64
        NaN where missing; the first must be observed.
    season : int
        Steps in one season, 1 for none (then the last value is carried forward).

    Returns
    -------
    (n,) float64

    Notes
    -----
    The equation is at the head of this file. Within the first season, where there is no value one
    season earlier, the last value is carried forward, too.

    Examples
    --------
    >>> causal_fill(np.array([1.0, 5.0, 2.0, np.nan, np.nan]), season=2)
    array([1., 5., 2., 6., 3.])
    """
    filled: Floats = values.copy()
    last = 0
    for t in range(len(values)):
        if not np.isnan(values[t]):
            last = t
        elif t < season or season == 1:
            filled[t] = filled[last]
        else:
            step = filled[last] - filled[last - season] if last >= season else 0.0
            filled[t] = filled[t - season] + step
    return filled
