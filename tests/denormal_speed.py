"""Time of calls whose numbers are denormal, beside the same calls on usual numbers.

    PYTHONPATH=python python tests/denormal_speed.py [REPEATS]   for docs/accuracy.md

Both calls take turns on one thread, and the best time of each counts.
"""

import sys
import time

import numpy as np

import tidegate
from tidegate import functional

SHAPE = (20, 16, 64, 64)  # (T, B, I, H)
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def calls_of(cell, dtype, size):
    """Inference and training of one layer with inputs and states of this size."""
    steps, batch, inputs, hidden = SHAPE
    rng = np.random.default_rng(0)
    rows = GATES[cell] * hidden

    def normal(*shape):
        return rng.standard_normal(shape).astype(dtype)

    weights = tidegate.CellWeights(
        cell, dtype(0.1) * normal(rows, inputs), dtype(0.1) * normal(rows, hidden)
    )
    x = normal(steps, batch, inputs) * dtype(size)
    states = 2 if cell == "lstm" else 1
    state = tuple(normal(batch, hidden) * dtype(size) for _ in range(states))
    dy = normal(steps, batch, hidden) * dtype(size)

    def train():
        out = functional.rnn_forward(weights, x, state, training=True)
        functional.rnn_backward(out.saved, dy, state)

    return {"inference": lambda: functional.rnn_forward(weights, x, state), "training": train}


def best_times(calls, repeats):
    """Least seconds of each call, taking turns."""
    best = [np.inf] * len(calls)
    for _ in range(repeats):
        for k, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[k] = min(best[k], time.perf_counter() - start)
    return best


def main():
    """Print one line for each cell, dtype and pass."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    tidegate.set_num_threads(1)
    print("| cell | dtype | pass | usual, µs | denormal, µs | ratio |\n|---|---|---|---|---|---|")
    for cell in GATES:
        for dtype in (np.float32, np.float64):
            usual = calls_of(cell, dtype, 1)
            denormal = calls_of(cell, dtype, np.finfo(dtype).tiny / 64)
            for name, call in usual.items():
                first, second = best_times((call, denormal[name]), repeats)
                times = f"{first * 1e6:.0f} | {second * 1e6:.0f} | {second / first:.3f}"
                print(f"| {cell} | {dtype.__name__} | {name} | {times} |")


if __name__ == "__main__":
    main()
