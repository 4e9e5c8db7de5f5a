"""How long the textbook `fit` takes: 100 epochs of 100 samples, beside Keras where it is installed.

    PYTHONPATH=python python tests/textbook_speed.py [REPEATS]   for docs/performance.md

Each program runs in a process of its own, which warms up with two epochs; they take turns, and
the best time of each counts. Keras runs on TensorFlow unless KERAS_BACKEND names another.
"""

import importlib.util
import subprocess
import sys

PROGRAM = """
import sys
import time

import numpy as np
from {package}.layers import {layer}, Dense
from {package}.models import Sequential


def fit(epochs):
    rng = np.random.default_rng(0)
    x_train, y_train = rng.random((100, 10)), rng.random((100, 1))
    model = Sequential()
    if "{package}" == "keras":
        from keras import Input
        model.add(Input((10, 1)))
    model.add({layer}(10, activation="relu", input_shape=(10, 1)) if "{package}" == "tidegate"
              else {layer}(10, activation="relu"))
    model.add(Dense(1))
    model.compile(optimizer="adam", loss="mse")
    start = time.perf_counter()
    model.fit(x_train, y_train, epochs=epochs, verbose=0)
    return time.perf_counter() - start


fit(2)
print(min(fit(100) for _ in range(int(sys.argv[1]))))
"""


def seconds_of(package, layer, fits):
    """Best seconds of one process."""
    program = PROGRAM.format(package=package, layer=layer)
    command = [sys.executable, "-c", program, str(fits)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    fits = {"tidegate": 10, "keras": 1}
    packages = [name for name in fits if importlib.util.find_spec(name) is not None]
    for layer in ("LSTM", "GRU"):
        best = dict.fromkeys(packages, float("inf"))
        for _ in range(repeats):
            for name in packages:
                best[name] = min(best[name], seconds_of(name, layer, fits[name]))
        line = ", ".join(f"{name} {1e3 * seconds:.1f} ms" for name, seconds in best.items())
        ratio = f", {best['keras'] / best['tidegate']:.0f}x" if "keras" in best else ""
        print(f"{layer}: {line}{ratio}", flush=True)


if __name__ == "__main__":
    main()
