"""Worst error of every activation over the whole range of a dtype, beside mpmath.

    PYTHONPATH=python python tests/accuracy_table.py     prints the table of docs/accuracy.md

Every ISA level of this machine that is built gets a column. The values come through a cell "rnn"
of one step with W = 1, R = 0 and no bias, so that y is the activation of x. mpmath must be there.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import mpmath
import numpy as np

import tidegate
from tidegate import _loader

CASES = (
    ("tanh", {}),
    ("sigmoid", {}),
    ("relu", {}),
    ("linear", {}),
    ("hard_sigmoid", {"alpha": 0.2, "beta": 0.5}),
    ("leaky_relu", {"alpha": 0.01}),
    ("thresholded_relu", {"alpha": 1.0}),
    ("scaled_tanh", {"alpha": 1.7159, "beta": 2 / 3}),
    ("elu", {"alpha": 1.0}),
    ("softsign", {}),
    ("softplus", {}),
    ("affine", {"alpha": 0.5, "beta": 0.25}),
)
DTYPES = (np.float32, np.float64)
SPARSE, DENSE = 4, 400  # values of a binade, and of one of 2^-16 .. 2^10, where functions bend
FAR = 20000  # beyond it every exponential is 0 or infinite in both dtypes


def inputs_of(dtype):
    """Both ends and random values of every binade and sign, zero and the denormals among them."""
    rng = np.random.default_rng(0)
    bits, mantissa = (np.uint32, 23) if dtype == np.float32 else (np.uint64, 52)
    bias = np.finfo(dtype).maxexp - 1
    parts = []
    for exponent in range(2 * bias + 1):
        count = DENSE if bias - 16 <= exponent <= bias + 10 else SPARSE
        low = rng.integers(0, 2**mantissa, count, dtype=bits)
        low[:2] = 0, 2**mantissa - 1
        parts.append((low | bits(exponent << mantissa)).view(dtype))
    found = np.concatenate(parts)
    return np.concatenate([-found[::-1], found])


def engine_values(xs, name, parameters):
    """The activation of every x, as the engine computes it."""
    one, zero = np.ones((1, 1), xs.dtype), np.zeros((1, 1), xs.dtype)
    weights = tidegate.CellWeights(
        "rnn", weight_ih=one, weight_hh=zero, activation=(name, parameters)
    )
    return tidegate.functional.rnn_forward(weights, xs.reshape(1, -1, 1)).y.reshape(-1)


def exact_value(name, x, alpha, beta):
    """The activation of one mpmath number."""
    near = min(max(x, -FAR), FAR)
    line = alpha * x + beta
    if name == "tanh":
        return mpmath.tanh(near)
    if name == "sigmoid":
        return 1 / (1 + mpmath.exp(-near))
    if name == "scaled_tanh":
        return alpha * mpmath.tanh(beta * near)
    if name == "elu":
        return x if x > 0 else alpha * mpmath.expm1(near)
    if name == "softplus":
        return x if x > FAR else mpmath.log1p(mpmath.exp(near))
    return {
        "relu": max(x, 0),
        "linear": x,
        "hard_sigmoid": min(max(line, 0), 1),
        "leaky_relu": x if x > 0 else alpha * x,
        "thresholded_relu": x if x >= alpha else mpmath.mpf(0),
        "softsign": x / (1 + abs(x)),
        "affine": line,
    }[name]


def exact_values(xs, name, parameters):
    """Exact values as sums of two float64, with the parameters rounded to the dtype."""
    alpha, beta = (
        mpmath.mpf(float(xs.dtype.type(parameters.get(k, 0)))) for k in ("alpha", "beta")
    )
    high, low = np.empty(len(xs)), np.empty(len(xs))
    for k, x in enumerate(xs.tolist()):
        exact = exact_value(name, mpmath.mpf(x), alpha, beta)
        high[k] = float(exact)
        low[k] = float(exact - mpmath.mpf(high[k]))
    return high, low


def errors_of(xs, ys, high, low):
    """Errors in ULP where y is a normal number, and the rest in smallest normal numbers."""
    info = np.finfo(xs.dtype)
    exponent = np.frexp(high)[1]
    power_of_two = np.abs(high) == np.ldexp(1.0, exponent - 1)
    just_below = power_of_two & (low != 0) & (np.signbit(low) != np.signbit(high))
    exponent = exponent - just_below
    error = np.abs((ys.astype(np.float64) - high) - low)
    normal = (np.abs(high) >= info.tiny) & (np.abs(ys) >= info.tiny)
    ulps, rest = np.zeros_like(error), np.zeros_like(error)
    ulps[normal] = np.ldexp(error[normal], info.nmant + 1 - exponent[normal])
    rest[~normal] = error[~normal] / float(info.tiny)
    return ulps, rest


def limits_of(dtype, name, parameters):
    """Text of the values at -inf, inf and NaN."""
    ends = engine_values(np.array([-np.inf, np.inf, np.nan], dtype), name, parameters)
    return ", ".join(f"{value:.5g}" for value in ends.tolist())


def write_level(folder):
    """Compute what this process's ISA level gives, for the process that makes the table."""
    for dtype in DTYPES:
        xs = inputs_of(dtype)
        ys = {name: engine_values(xs, name, parameters) for name, parameters in CASES}
        limits = {f"at {name}": limits_of(dtype, name, parameters) for name, parameters in CASES}
        np.savez(Path(folder) / f"{_loader.isa}-{dtype.__name__}.npz", **ys, **limits)


def rows_of(folder, levels, dtype):
    """Yield the lines of one dtype."""
    xs = inputs_of(dtype)
    found = {}
    for level in levels:
        with np.load(Path(folder) / f"{level}-{dtype.__name__}.npz") as arrays:
            found[level] = dict(arrays)
    for name, parameters in CASES:
        high, low = exact_values(xs, name, parameters)
        worst, most_lost, where = [], 0.0, 0.0
        for level in levels:
            ulps, rest = errors_of(xs, found[level][name], high, low)
            where = xs[np.argmax(ulps)] if ulps.max() > max(worst, default=0) else where
            worst.append(ulps.max())
            most_lost = max(most_lost, rest.max())
        limits = {str(found[level][f"at {name}"]) for level in levels}
        given = ", ".join(f"{value:.5g}" for value in parameters.values())
        cells = [f"{name} {given}".strip(), dtype.__name__, *(f"{ulp:.2f}" for ulp in worst)]
        cells += [f"{where:.7g}", f"{most_lost:.2f}", " or ".join(sorted(limits))]
        yield f"| {' | '.join(cells)} |"


def main():
    """Run every level in a process of its own and print the table."""
    mpmath.mp.prec = 160
    levels = sorted(_loader.available)
    with tempfile.TemporaryDirectory() as folder:
        for level in levels:
            environment = {**os.environ, "TIDEGATE_ISA": level}
            command = [sys.executable, __file__, folder]
            subprocess.run(command, env=environment, check=True)
        heads = ["activation", "dtype", *(f"ULP, {level}" for level in levels)]
        heads += ["at x", "of the smallest normal", "at -inf, inf, NaN"]
        print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        for dtype in DTYPES:
            for row in rows_of(folder, levels, dtype):
                print(row, flush=True)
            print(f"{len(inputs_of(dtype))} values of {dtype.__name__}", file=sys.stderr)


if __name__ == "__main__":
    write_level(sys.argv[1]) if len(sys.argv) > 1 else main()
