"""Inputs with missing values: what the layers that take NaN share."""

from typing import Any

import numpy as np

from tidegate.layers import checks
from tidegate.layers.types import Array, Dtype
from tidegate.sequences.missing import Missing, check_times, take_apart


def prepare_missing(where: str, name: str, x: Any, dtype: Dtype, time_feature: bool) -> Array:
    """Return x as an array of `dtype`, NaN where values are missing; refuse inf and bad times."""
    given = checks.numeric(where, name, x)
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.require(given, dtype, ["C", "A"])
    if np.isinf(array).any():
        first = tuple(int(k) for k in np.argwhere(np.isinf(array))[0])
        raise ValueError(
            f"{where}: {name} has inf at index {first}, or a value that {dtype} cannot hold; "
            "expected numbers, NaN where a value is missing."
        )
    if time_feature and array.shape[-1:] != (0,) and np.isnan(array[..., -1]).any():
        raise ValueError(
            f"{where}: the last feature of {name} has NaN; expected the time of each step."
        )
    if time_feature:
        require_times_held(where, name, given, array)
    return array


def require_times_held(where: str, name: str, given: Array, cast: Array) -> None:
    """Raise if times, the last feature, were rounded so much that the gaps between them are lost.

    That is, by more than a tenth of the usual gap: of a Unix time float32 holds every 128th second.
    """
    if given.dtype == cast.dtype or cast.ndim != 3 or not cast.size:
        return
    times = given[..., -1].astype(np.float64)
    gaps = np.diff(times, axis=1)
    gaps = gaps[gaps > 0]
    if gaps.size and (lost := np.abs(cast[..., -1] - times)).max() > 0.1 * np.median(gaps):
        worst = np.unravel_index(lost.argmax(), lost.shape)
        raise ValueError(
            f"{where}: the last feature of {name} has the time {times[worst]:.17g}, which "
            f"{cast.dtype} rounds by {lost[worst]:g}, and steps {np.median(gaps):g} apart; "
            'expected times near 0 (subtract the first one) or a layer with dtype="float64".'
        )


def take_input_apart(
    where: str,
    x: Array,
    mask: Array | None,
    mean: Array | None,
    time_feature: bool,
    backwards: bool = False,
) -> Missing:
    """Carry the values of a checked input forward, or backwards; its last feature may be the time.

    Raises
    ------
    ValueError
        Times decrease.
    """
    order = slice(None, None, -1 if backwards else 1)
    steps = None if mask is None else mask[:, order]
    if not time_feature:
        return take_apart(x[:, order], mean=mean, mask=steps)
    times = x[..., -1].astype(np.float64)
    if mask is not None and mask.size:  # time stands still where no step counts
        first = np.take_along_axis(times, mask.argmax(axis=1)[:, None], axis=1)
        seen = np.maximum.accumulate(np.where(mask, np.arange(mask.shape[1]), -1), axis=1)
        times = np.take_along_axis(times, np.maximum(seen, 0), axis=1)
        times = np.where(seen < 0, first, times)
    times = check_times(f"{where}: the last feature of x", times, x.shape[:2])
    return take_apart(x[:, order, :-1], times=times[:, order], mean=mean, mask=steps)


def config_of(mean: Array | None, time_feature: bool) -> dict[str, Any]:
    """Return the two options as part of a configuration."""
    return {"mean": None if mean is None else mean.tolist(), "time_feature": time_feature}


def features_of(where: str, sizes: Any, mean: Array | None, time_feature: bool) -> int:
    """Return how many features an input (T, F) has besides the time."""
    features = int(sizes[1]) - int(time_feature)
    if features < 1:
        raise ValueError(
            f"{where}: the input has {sizes[1]} features; expected at least one besides the time."
        )
    if mean is not None and len(mean) != features:
        raise ValueError(
            f"{where}: mean has {len(mean)} numbers and the input {features} features; expected "
            "one for each (without the time)."
        )
    return features
