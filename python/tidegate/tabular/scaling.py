"""What the training part says about the columns, and the arrays that the network takes.

    regression, classification   x = (value - mean) / scale of each column
    forecast                     targets, as inputs and as answers, relative to their latest value:
                                 x = (value - latest) / scale; features as above

so a trend does not leave the range that a forecasting network was trained in. Mean and scale (the
standard deviation, 1 for a constant column) come from the rows that the training part reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.tabular.rows import Rows
from tidegate.tabular.samples import Samples, last_known

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

_PARTS = ("input_mean", "input_scale", "target_mean", "target_scale")


@dataclass(frozen=True)
class Scaling:
    """Means and scales: (F,) of the inputs, (K,) of the targets."""

    input_mean: Floats
    input_scale: Floats
    target_mean: Floats
    target_scale: Floats

    @classmethod
    def learn(cls, rows: Rows, samples: Samples) -> "Scaling":
        """Learn from the rows that samples read and the targets that they have."""
        read = np.zeros(len(rows.inputs) + 1, dtype=np.int64)
        np.add.at(read, samples.first, 1)
        np.add.at(read, samples.last + 1, -1)
        mean, scale = _mean_and_scale(rows.inputs[np.cumsum(read[:-1]) > 0])
        truth = rows.targets[samples.truth]
        if rows.plan.classifies:
            return cls(mean, scale, np.zeros(1), np.ones(1))
        if rows.plan.task != "forecast":
            return cls(mean, scale, *_mean_and_scale(truth))
        count = truth.shape[1]
        middle, change = _mean_and_scale(truth - last_known(rows, samples))
        mean[:count] = 0.0  # inputs are relative to the latest value
        scale[:count] = _mean_and_scale(_relative(rows, samples))[1]
        return cls(mean, scale, middle, change)

    def describe(self) -> dict[str, Any]:
        """Return the numbers as JSON knows them."""
        return {name: getattr(self, name).tolist() for name in _PARTS}

    @classmethod
    def make(cls, found: Any, inputs: int, targets: int) -> "Scaling":
        """Return what `describe` wrote.

        Raises
        ------
        ValueError
            Numbers are missing, not finite, or not as many as the columns.
        """
        if not isinstance(found, Mapping) or set(found) != set(_PARTS):
            raise ValueError("the scaling has other parts than expected")
        arrays = [np.asarray(found[name], dtype=np.float64) for name in _PARTS]
        for name, array, count in zip(
            _PARTS, arrays, (inputs, inputs, targets, targets), strict=True
        ):
            if array.shape != (count,) or not np.isfinite(array).all():
                raise ValueError(f"{name} has shape {array.shape}; expected {count} numbers")
        if min(arrays[1].min(), arrays[3].min()) <= 0:
            raise ValueError("a scale is not positive")
        return cls(*arrays)

    def inputs(self, rows: Rows, samples: Samples) -> Any:
        """Return x: (N, window, F) float32, or a list of (T_i, F) for whole sequences."""
        if rows.plan.window is None:
            scaled = ((rows.inputs - self.input_mean) / self.input_scale).astype(np.float32)
            pairs = zip(samples.first, samples.last + 1, strict=True)
            return [scaled[first:stop] for first, stop in pairs]
        steps = samples.first[:, None] + np.arange(rows.plan.window)
        x = rows.inputs[steps]
        if rows.plan.task == "forecast":
            count = rows.targets.shape[1]
            x[..., :count] -= last_known(rows, samples)[:, None]
        x -= self.input_mean
        x /= self.input_scale
        return x.astype(np.float32)

    def targets(self, rows: Rows, samples: Samples) -> npt.NDArray[Any]:
        """Return y: (N, K) float32, or the numbers of the classes (N,) int64."""
        truth = rows.targets[samples.truth]
        if rows.plan.classifies:
            return truth[:, 0].astype(np.int64)
        if rows.plan.task == "forecast":
            truth = truth - last_known(rows, samples)
        return ((truth - self.target_mean) / self.target_scale).astype(np.float32)

    def answers(self, rows: Rows, samples: Samples, outputs: npt.NDArray[Any]) -> Floats:
        """Turn the network's outputs (N, K) into values of the targets (N, K) float64."""
        values = outputs.astype(np.float64)
        if rows.plan.classifies:
            return values
        values = values * self.target_scale + self.target_mean
        if rows.plan.task == "forecast":
            values = values + last_known(rows, samples)
        return np.asarray(values)


def _relative(rows: Rows, samples: Samples) -> Floats:
    """Return the targets in some of the windows, relative to their latest values (M, K)."""
    some = samples.take(np.arange(len(samples)) % max(len(samples) // 1000, 1) == 0)
    assert rows.plan.window is not None
    steps = some.first[:, None] + np.arange(rows.plan.window)
    relative = rows.targets[steps] - last_known(rows, some)[:, None]
    return np.asarray(relative.reshape(-1, rows.targets.shape[1]))


def _mean_and_scale(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each column, without what is missing."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count)
    tiny = 1e-12 * np.maximum(np.abs(mean), 1.0)  # a constant column, but for rounding
    return mean, np.where(spread > tiny, spread, 1.0)
