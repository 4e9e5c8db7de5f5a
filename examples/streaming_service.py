"""A streaming service: score an unbounded stream value by value, in microseconds and flat memory.

Data: generated without end: a rhythm of 25 steps with a wandering level and noise, and now and then
a fault: for 15 steps the sensor repeats what it said last. Each of these values is a normal one. An
LSTM forecasts the next value; how wrong it is, averaged over the last few steps, is the score. The
baseline is the distance from the running mean, in running standard deviations. Compared by the area
under the ROC curve: 0.5 is chance.
Expect 0.9 against 0.5, a few microseconds for a value, and no growth of memory.

    python examples/streaming_service.py --output streaming_service.png
"""

import itertools
import resource
import time

import numpy as np
from gallery import arguments, axes, save, show_scores

import tidegate as tg
from tidegate.layers import LSTM, Dense
from tidegate.models import Sequential

PERIOD, FAULT, WINDOW, FORGET = 25, 15, 100, 0.8


def values(rng, *, faults):
    """Yield (value, whether it is faulty), for ever."""
    level, left, value = 0.0, 0, 0.0
    for t in itertools.count():
        level = 0.99 * level + rng.normal(scale=0.03)
        if left == 0 and rng.random() < faults:
            left = FAULT
        faulty, left = left > 0, max(left - 1, 0)
        if not faulty:
            value = level + np.sin(2 * np.pi * t / PERIOD)
        yield value + rng.normal(scale=0.1), faulty


def train(epochs, rng):
    signal = np.array([v for v, _ in itertools.islice(values(rng, faults=0), 8000)], np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(signal, WINDOW + 1)[::20, :, None]
    model = Sequential([LSTM(32, return_sequences=True, input_shape=(None, 1)), Dense(1)], seed=0)
    model.compile(tg.training.optimizers.Adam(0.005), "mse")
    model.fit(windows[:, :-1], windows[:, 1:], epochs=epochs, verbose=0)
    return model


def area_under_roc(scores, faulty):
    """Return the chance that a faulty value scores above another one."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores)] = np.arange(len(scores))
    bad = faulty.sum()
    return (ranks[faulty].sum() - bad * (bad - 1) / 2) / (bad * (len(scores) - bad))


def serve(model, source, count):
    """Return scores of LSTM and baseline (2, count), truth, values and nanoseconds of each step."""
    stream = tg.Stream(model)
    scores, seen, nanoseconds = np.ones((2, count)), np.ones(count), np.ones(count)
    faulty = np.ones(count, bool)
    forecast, surprise, mean, variance = 0.0, 0.0, 0.0, 1.0
    x = np.zeros((1, 1), np.float32)
    for t, (value, is_fault) in enumerate(itertools.islice(source, count)):
        started = time.perf_counter_ns()
        surprise = FORGET * surprise + (1 - FORGET) * (value - forecast) ** 2
        x[0, 0] = value
        forecast = stream.step(x)[0, 0]
        nanoseconds[t] = time.perf_counter_ns() - started
        scores[:, t] = surprise, (value - mean) ** 2 / variance
        mean = 0.99 * mean + 0.01 * value
        variance = 0.99 * variance + 0.01 * (value - mean) ** 2
        seen[t], faulty[t] = value, is_fault
        if t == count // 10:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    print(f"the peak of memory grew by {grown} kB in the last nine tenths")
    return scores, faulty, seen, nanoseconds


def main():
    args = arguments(__doc__, epochs=20, values=200_000)
    rng = np.random.default_rng(0)
    model = train(args.epochs, rng)
    scores, faulty, seen, nanoseconds = serve(model, values(rng, faults=1 / 300), args.values)
    for share in (50, 99, 99.9):
        print(f"{share} % of the values within {np.percentile(nanoseconds, share) / 1000:.1f} µs")
    areas = {
        name: area_under_roc(score, faulty)
        for name, score in zip(("LSTM", "distance from the mean"), scores, strict=True)
    }
    show_scores("area under ROC", areas)

    if (pair := axes(args.output, 2, 1, size=(9, 4.5), sharex=True)) is not None:
        first = max(np.flatnonzero(faulty)[0] - 200, 0)
        shown = slice(first, first + 600)
        steps = np.arange(first, first + len(seen[shown]))
        pair[0].plot(steps, seen[shown], color="grey", lw=0.8)
        pair[0].set_ylabel("value")
        pair[1].plot(steps, scores[0][shown], color="tab:red")
        pair[1].set(xlabel="step", ylabel="surprise")
        for ax in pair:
            low, high = ax.get_ylim()
            ax.fill_between(steps, low, high, where=faulty[shown], color="tab:orange", alpha=0.3)
        save(pair[0].figure, args.output)


if __name__ == "__main__":
    main()
