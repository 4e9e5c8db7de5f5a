"""Samples of a table: windows of one length, or whole sequences; and which of them validate."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidegate.forecast.errors import InputError
from tidegate.tabular.rows import Rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """Which rows each sample reads, and which row holds its target.

    Attributes
    ----------
    first, last : (N,) int64
        The rows that a sample reads, both included.
    truth : (N,) int64
        The row of the target; -1 where the table ends before it.
    """

    first: Ints
    last: Ints
    truth: Ints

    def __len__(self) -> int:
        """Return N."""
        return len(self.last)

    def take(self, chosen: npt.NDArray[np.bool_] | Ints) -> "Samples":
        """Return some of the samples, by a mask or by their numbers."""
        return Samples(self.first[chosen], self.last[chosen], self.truth[chosen])

    def told(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Return which samples have all of their targets in the table."""
        told = self.truth >= 0
        told[told] = ~np.isnan(rows.targets[self.truth[told]]).any(axis=1)
        return told

    def with_truth(self, rows: Rows) -> "Samples":
        """Return those samples."""
        return self.take(self.told(rows))


def windows(rows: Rows) -> Samples:
    """Return every window of consecutive steps, none of which spans a gap or two sequences.

    Those of a forecast that hold no value of a target are left out.
    """
    plan = rows.plan
    assert plan.window is not None
    ends, truths = [], []
    for start, stop in zip(rows.starts[:-1], rows.starts[1:], strict=True):
        steps = rows.steps[start:stop]
        end = np.arange(plan.window - 1, len(steps))
        end = end[steps[end] - steps[end - plan.window + 1] == plan.window - 1]
        wanted = steps[end] + plan.horizon
        found = np.searchsorted(steps, wanted)
        there = found < len(steps)
        there[there] = steps[found[there]] == wanted[there]
        ends.append(start + end)
        truths.append(np.where(there, start + found, -1))
    last = np.concatenate(ends)
    samples = Samples(last - plan.window + 1, last, np.concatenate(truths))
    if plan.task != "forecast":
        return samples
    return samples.take(np.flatnonzero(~np.isnan(last_known(rows, samples)).any(axis=1)))


def whole_sequences(rows: Rows, places: list[str]) -> Samples:
    """Return one sample for each sequence; its target stands in all of its rows.

    Raises
    ------
    InputError
        Two rows of a sequence tell different targets.
    """
    truth = rows.starts[:-1].copy()
    for number, (start, stop) in enumerate(zip(rows.starts[:-1], rows.starts[1:], strict=True)):
        told = start + np.flatnonzero(~np.isnan(rows.targets[start:stop]).any(axis=1))
        if told.size == 0:
            continue
        truth[number] = told[0]
        other = told[(rows.targets[told] != rows.targets[told[0]]).any(axis=1)]
        if other.size:
            raise InputError(
                f'{places[other[0]]}: the target differs from that of another row of "'
                f'{rows.names[number]}"; expected one for the whole sequence (or give --window, to '
                "predict step by step)."
            )
    return Samples(rows.starts[:-1], rows.starts[1:] - 1, truth)


def last_known(rows: Rows, samples: Samples) -> Floats:
    """Return the latest value of each target in each window (N, K); NaN where there is none."""
    count = rows.targets.shape[1]
    known = np.full((len(samples), count), np.nan)
    for column in range(count):
        seen = np.where(np.isnan(rows.targets[:, column]), -1, np.arange(len(rows.targets)))
        latest = np.maximum.accumulate(seen)[samples.last]
        inside = latest >= samples.first
        known[inside, column] = rows.targets[latest[inside], column]
    return known


def split_by_time(rows: Rows, samples: Samples, share: float) -> npt.NDArray[np.bool_]:
    """Return which samples validate: those whose targets are the latest.

    With times one moment parts all sequences; without, the same share of each of them does.
    """
    if rows.plan.time is not None:
        belongs = rows.sequence_of(samples.truth)
        moments = np.empty(len(samples))
        for number, axis in enumerate(rows.axes):
            here = belongs == number
            moments[here] = axis.times(rows.steps[samples.truth[here]]).astype(np.int64)
    else:
        belongs = rows.sequence_of(samples.truth)
        start, stop = rows.starts[belongs], rows.starts[belongs + 1]
        moments = (samples.truth - start) / (stop - start)
    return moments >= np.quantile(moments, 1 - share, method="higher")


def split_by_group(rows: Rows, samples: Samples, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Return which samples validate: those of sequences drawn by the seed."""
    belongs = rows.sequence_of(samples.last)
    present = np.unique(belongs)
    if len(present) < 2:
        raise InputError(
            f'column "{rows.plan.group}" names {len(present)} sequence with a target; expected at '
            "least 2 to validate on some (or give --validation 0)."
        )
    count = min(max(round(share * len(present)), 1), len(present) - 1)
    drawn = np.random.default_rng(seed).permutation(present)[:count]
    return np.isin(belongs, drawn)
