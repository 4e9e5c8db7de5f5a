"""Is what an engine computed the same as what tidegate computed? Nothing wrong is timed."""

import numpy as np

from tidegate._arrays import FloatArray
from tidegate.bench.problem import Arrays

# Largest deviation, relative to the largest element. Engines sum in other orders and have other
# approximations of tanh: some 1e-6 in float32, more in sums over T*B terms. A wrong gate order is
# off by about 1, and a product in bfloat16 by 4e-3.
TOLERANCE = {
    ("float32", "y"): 1e-4,
    ("float32", "gradient"): 1e-3,
    ("float64", "y"): 1e-11,
    ("float64", "gradient"): 1e-10,
}


def deviation(got: FloatArray, expected: FloatArray) -> float:
    """Return the largest difference relative to the largest expected element; inf for NaN."""
    largest = float(np.max(np.abs(expected), initial=0)) or 1.0
    worst = float(np.max(np.abs(got - expected), initial=0)) / largest
    return worst if np.isfinite(worst) else float("inf")


def compare(got: Arrays, expected: Arrays) -> tuple[float, str]:
    """Compare an engine's result with tidegate's.

    Parameters
    ----------
    got, expected : dict of str to array
        "y", or gradients by name. The engine may lack a bias that it has summed with another.

    Returns
    -------
    tuple of float and str
        The largest deviation, and what is wrong with the result, "" if nothing.
    """
    worst, faults = 0.0, []
    for name, array in expected.items():
        if name not in got:
            if not name.startswith("bias"):
                faults.append(f"{name} is absent")
            continue
        if got[name].shape != array.shape or got[name].dtype != array.dtype:
            faults.append(
                f"{name} is {got[name].dtype} {got[name].shape}, expected {array.dtype} "
                f"{array.shape}"
            )
            continue
        off = deviation(got[name], array)
        worst = max(worst, off)
        if off > TOLERANCE[str(array.dtype), "y" if name == "y" else "gradient"]:
            faults.append(f"{name} is off by {off:.1e} of its largest element")
    return worst, "; ".join(faults)
