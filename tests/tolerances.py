"""Every tolerance of the test suite, each with its reason."""

import numpy as np

# Forward, |engine - reference| <= atol + rtol * |reference|: what the project promises. float32 has
# eps 1.2e-7; a step sums I + H products and a sequence carries the error on through slopes below 1.
# float64 has eps 2.2e-16 and is held to 1e-12 of the value, or of 1 where values are smaller.
# relu and linear let values grow beyond 1, and a small one may be a difference of large ones: there
# atol is relative to the largest value of the array.
FORWARD = {
    np.dtype(np.float32): {"atol": 1e-6, "rtol": 1e-5},
    np.dtype(np.float64): {"atol": 1e-12, "rtol": 1e-12},
}
# Layer normalisation divides what was rounded by its deviation, which may be small: twice that.
NORMALIZED = 2

# Gradients, |engine - reference| <= tolerance * max |reference|: what the project promises. One
# element of a weight gradient is a sum over T*B terms that may cancel, so the error is measured
# against the largest element of its array.
GRADIENT = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-12}

# Central differences of the fourth order with step s err by s**4 in truncation and eps * loss / s
# in rounding. A small step rarely crosses the kink of a relu, and layer normalisation bends over
# √ε = 0.003 of what it normalises, so its fifth derivatives are large. s = 3e-6 leaves 1e-22 and
# 4e-11 in float64; the reference runs in longdouble, eps 1e-19 where the platform has it: 1e-13.
# Times about 100, since the loss is larger than the largest element of all its gradients,
# to which this is relative.
DIFFERENCE_STEP = 3e-6
WIDE_DIFFERENCE_STEP = 2e-6 if np.finfo(np.longdouble).eps < 1e-18 else DIFFERENCE_STEP
DIFFERENCE = {
    np.dtype(np.float64): 3e-9,
    np.dtype(np.longdouble): 1e-11 if np.finfo(np.longdouble).eps < 1e-18 else 3e-9,
}

# A value that was worked out by hand, compared with float64: a few roundings.
BY_HAND = 1e-14

# Ours against another framework in the same dtype: both err, each by at most the promise above.
BETWEEN_ENGINES = 2

# Training beside Keras in float32. A loss worked out in float64 by both differs by some roundings;
# the clipping of probabilities makes 1e-7 of that. After a dozen optimiser steps on given gradients
# some 1e-7 each have added up. After a dozen steps of a whole model, each step has multiplied what
# the gradients differ by: Adam divides by their size.
KERAS_LOSS = {"rtol": 1e-7, "atol": 1e-12}
KERAS_STEPS = {"rtol": 1e-5, "atol": 1e-6}
KERAS_FIT = {"rtol": 2e-4, "atol": 2e-5}


def assert_forward_close(got, expected, name="y", engines=1):
    """Compare a forward result in the dtype of `got` with the reference."""
    atol, rtol = (engines * FORWARD[got.dtype][key] for key in ("atol", "rtol"))
    largest = np.max(np.abs(expected), initial=1, where=np.isfinite(expected))
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol * float(largest), err_msg=name)


def assert_gradient_close(got, expected, name="gradient", engines=1):
    """Compare a gradient with the reference, relative to its largest element."""
    assert got.shape == expected.shape, f"{name}: shape {got.shape}, expected {expected.shape}"
    tolerance = engines * GRADIENT[got.dtype] * np.max(np.abs(expected), initial=0)
    np.testing.assert_allclose(got, expected, rtol=0, atol=float(tolerance), err_msg=name)


def assert_differences_close(analytic, numeric, wide):
    """Compare all gradients of one loss, by name, with finite differences taken in dtype `wide`."""
    assert analytic.keys() == numeric.keys()
    largest = max(np.max(np.abs(gradient), initial=0) for gradient in numeric.values())
    largest = max(largest, 0.1)  # all are zero where every clip is reached; the loss is not
    atol = float(DIFFERENCE[np.dtype(wide)] * largest)
    for name, expected in numeric.items():
        np.testing.assert_allclose(analytic[name], expected, rtol=0, atol=atol, err_msg=name)


# Features and targets of a forecast: float32 numbers of about 1, eps 1.2e-7, after a few roundings.
FORECAST_WINDOW = 1e-6
# What was written to a file and read again: forecast.csv has 8 digits, the demo's forecasts have 3
# decimals (and came from another batch, which may round differently by about 1e-5 ppm).
FORECAST_FILE = 1e-7
DEMO_FILE = 6e-4
