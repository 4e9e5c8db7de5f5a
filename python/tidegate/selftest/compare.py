"""An error beside what is allowed."""

from typing import Any, NamedTuple

import numpy as np

from tidegate._arrays import FloatArray

# |engine - reference| <= atol * max(1, max |reference|) + rtol * |reference|, as (atol, rtol):
# float32 has eps 1.2e-7 and float64 2.2e-16; a step sums I + H products, and a sequence carries the
# error on through slopes below 1.
FORWARD = {np.dtype(np.float32): (1e-6, 1e-5), np.dtype(np.float64): (1e-12, 1e-12)}
# |engine - reference| <= tolerance * max |reference|: a gradient is a sum whose terms may cancel.
GRADIENT = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-12}
# Layer normalisation divides what was rounded by its deviation, which may be small.
NORMALIZED = 2


class Worst(NamedTuple):
    """The element that comes nearest to what is allowed there, or is furthest beyond it."""

    error: float
    tolerance: float

    @property
    def share(self) -> float:
        """Error in terms of the tolerance: above 1 is a failure."""
        if np.isnan(self.error) or np.isnan(self.tolerance):
            return float("inf")
        if self.tolerance == 0:
            return 0.0 if self.error == 0 else float("inf")
        return self.error / self.tolerance


class Check(NamedTuple):
    """One cell in one dtype under one heading.

    `error` is that of the element that comes nearest to its `tolerance`, or how many elements have
    other bits than they should, where none may (tolerance 0).
    """

    level: str
    topic: str
    dtype: str
    cell: str
    shape: tuple[int, ...]  # (T, B, I, H) of the worst error
    error: float
    tolerance: float

    @property
    def share(self) -> float:
        """Error in terms of the tolerance: above 1 is a failure."""
        return Worst(self.error, self.tolerance).share

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.share <= 1


NOTHING_WRONG = Worst(0.0, 0.0)


def worse(*found: Worst) -> Worst:
    """Return the worst of several."""
    return max(found, key=lambda worst: worst.share, default=NOTHING_WRONG)


def forward_error(got: FloatArray, expected: FloatArray, normalized: bool = False) -> Worst:
    """Compare an output or state with the reference."""
    factor = NORMALIZED if normalized else 1
    atol, rtol = (factor * part for part in FORWARD[got.dtype])
    size = np.abs(expected)
    return _worst(got, expected, atol * np.max(size, initial=1) + rtol * size)


def gradient_error(got: FloatArray, expected: FloatArray) -> Worst:
    """Compare a gradient with the reference."""
    largest = np.max(np.abs(expected), initial=0)
    return _worst(got, expected, np.full(expected.shape, GRADIENT[got.dtype] * largest))


def _worst(got: FloatArray, expected: FloatArray, allowed: Any) -> Worst:
    if got.shape != expected.shape:
        return Worst(float("inf"), 0.0)
    if not got.size:
        return NOTHING_WRONG
    error = np.abs(got.astype(np.float64) - expected).ravel()
    error[np.isnan(error)] = np.inf
    allowed = np.ravel(allowed)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(error == 0, 0, error / allowed)
    k = int(np.argmax(share))
    return Worst(float(error[k]), float(allowed[k]))


def different_bits(got: FloatArray, expected: FloatArray) -> Worst:
    """Count the elements that have other bits; none may."""
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return Worst(float("inf"), 0.0)
    bits = np.dtype(f"u{got.dtype.itemsize}")
    a, b = (np.ascontiguousarray(array).view(bits) for array in (got, expected))
    return Worst(float(np.count_nonzero(a != b)), 0.0)
