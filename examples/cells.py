"""LSTM, GRU and simple RNN side by side: weights, speed and what they learn in the same time steps.

Data: the adding problem (see adding_problem.py) with 60 steps: two of sixty numbers are marked, the
target is their sum. Same number of units, same batches, same optimizer. The baseline says 1 always.
Expect GRU and LSTM below 0.01, the GRU first, and the simple RNN at the baseline: it trains three
times as quickly and has a quarter of the weights, but does not carry the first number to the end.

    python examples/cells.py --output cells.png
"""

import time

import numpy as np
from adding_problem import BATCH, BATCHES, samples
from gallery import arguments, axes, save, show_scores

from tidegate.layers import GRU, LSTM, Dense, SimpleRNN
from tidegate.models import Sequential
from tidegate.training.optimizers import Adam

UNITS = 64


def microseconds(run, sequences, repeats=20):
    """Return the least time of some calls, per sequence."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return 1e6 * min(times) / sequences


def main():
    args = arguments(__doc__, epochs=24, steps=60)
    x_test, y_test = samples(500, args.steps, np.random.default_rng(1))
    scores, curves = {"always 1": np.mean((1 - y_test) ** 2)}, {}
    print("cell       weights  µs per sequence: inference  training")
    for layer in (SimpleRNN, GRU, LSTM):
        rng = np.random.default_rng(0)
        model = Sequential([layer(UNITS, input_shape=(None, 2)), Dense(1)], seed=0)
        model.compile(Adam(0.005, global_clipnorm=1.0), "mse")
        name, curve = layer.__name__, []
        for _ in range(args.epochs):
            batches = [samples(BATCH, args.steps, rng) for _ in range(BATCHES)]
            curve.append(np.mean([model.train_on_batch(*batch) for batch in batches]))
        curves[name], scores[name] = curve, model.evaluate(x_test, y_test, verbose=0)
        predicted = microseconds(lambda m=model: m.predict(x_test), len(x_test))
        trained = microseconds(lambda m=model, b=batches[0]: m.train_on_batch(*b), BATCH)
        print(f"{name:10} {model.count_params():7} {predicted:27.1f} {trained:9.1f}")
    show_scores("squared error", scores)

    if (ax := axes(args.output)) is not None:
        for name, curve in curves.items():
            ax.semilogy(np.arange(1, len(curve) + 1) * BATCHES, curve, label=name)
        ax.axhline(scores["always 1"], color="grey", ls=":", label="always 1")
        ax.set(xlabel="batches", ylabel="squared error in training")
        ax.legend()
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
