"""Asynchronous streams: two sensors that report at times of their own, without a common clock.

Data: generated. Both observe one process that forgets its past in about one unit of time
(Ornstein-Uhlenbeck), over 10 units: one often and with much noise, the other seldom and precisely.
The target is the process at the end. Interpolation onto a grid is the usual answer, and the
baseline: it does not say how old a value is. `merge_asynchronous` puts both on the union of their
times; GRU-D and TimeLSTM then know the gaps. As data are Gaussian, the best there can be is known:
the conditional mean (a Gaussian process with the true parameters).
Expect an RMSE of 0.80 on the grid, 0.77 of TimeLSTM and 0.74 of GRU-D; 0.72 is the best.

    python examples/asynchronous.py --output asynchronous.png
"""

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.layers import GRU, GRUD, Dense, TimeLSTM
from tidegate.models import Sequential
from tidegate.sequences import merge_asynchronous, missing_indicator

END, NOISE, RATE, GRID, UNITS = 10.0, (0.8, 0.1), (2.0, 0.6), 40, 24


def covariance(s, t):
    return np.exp(-abs(s[:, None] - t))


def one(rng):
    """Return the two streams [(times, values)], the target, and the best guess of it."""
    times = [np.sort(rng.uniform(0, END, 1 + rng.poisson(END * rate))) for rate in RATE]
    noise = np.concatenate([np.full(len(t), n) for t, n in zip(times, NOISE, strict=True)])
    t = np.concatenate([*times, [END]])
    joint = covariance(t, t)
    process = np.linalg.cholesky(joint + 1e-9 * np.eye(len(t))) @ rng.normal(size=len(t))
    values = process[:-1] + noise * rng.normal(size=len(noise))
    best = joint[-1, :-1] @ np.linalg.solve(joint[:-1, :-1] + np.diag(noise**2), values)
    streams = zip(times, np.split(values, [len(times[0])]), strict=True)
    return list(streams), process[-1], best


def samples(count, rng):
    """Return the streams as merge_asynchronous takes them, targets and best guesses."""
    streams, targets, best = zip(*[one(rng) for _ in range(count)], strict=True)
    batch = {
        name: tuple(map(list, zip(*[s[k] for s in streams], strict=True)))
        for k, name in enumerate(("often", "precise"))
    }
    return batch, np.array(targets), np.array(best)


def on_grid(batch):
    grid = np.linspace(0, END, GRID)
    return np.stack(
        [[np.interp(grid, *one) for one in zip(*pair, strict=True)] for pair in batch.values()],
        axis=-1,
    )


def with_times(batch, prepare):
    """Return values and time as the last feature, and lengths; the end is a time of its own."""
    count = len(batch["often"][0])
    end = [np.array([END])] * count, [np.array([np.nan])] * count
    merged = merge_asynchronous({**batch, "end": end})
    return np.dstack([prepare(merged), merged.times]).astype(np.float32), merged.lengths


def main():
    args = arguments(__doc__, epochs=25, samples=3000)
    rng = np.random.default_rng(0)
    (batch, y, _), (test, y_test, best) = samples(args.samples, rng), samples(1000, rng)

    def indicated(merged):
        return missing_indicator(merged.x[..., :2], times=merged.times)

    ways = {
        "grid and GRU": (lambda b: (on_grid(b), None), GRU(UNITS)),
        "GRU-D": (
            lambda b: with_times(b, lambda merged: merged.x[..., :2]),
            GRUD(UNITS, time_feature=True),
        ),
        "TimeLSTM": (lambda b: with_times(b, indicated), TimeLSTM(UNITS)),
    }
    said = {}
    for name, (prepare, layer) in ways.items():
        model = Sequential([layer, Dense(1)], seed=0)
        model.compile("adam", "mse")
        x, lengths = prepare(batch)
        model.fit(x, y, lengths=lengths, epochs=args.epochs, verbose=0)
        x, lengths = prepare(test)
        said[name] = model.predict(x, lengths=lengths)[:, 0]
    said["best there can be"] = best
    last = np.array([values[-1] for values in test["precise"][1]])
    said = {"last precise value": last, **said}
    scores = {name: np.sqrt(np.mean((guess - y_test) ** 2)) for name, guess in said.items()}
    show_scores("RMSE", scores)

    if (ax := axes(args.output)) is not None:
        age = END - np.array([times[-1] for times in test["precise"][0]])
        edges = np.quantile(age, np.linspace(0, 1, 6))
        for name in list(said)[1:]:
            squared = (said[name] - y_test) ** 2
            bins = np.clip(np.searchsorted(edges, age) - 1, 0, 4)
            ax.plot(
                (edges[1:] + edges[:-1]) / 2,
                [np.sqrt(squared[bins == k].mean()) for k in range(5)],
                ".-",
                label=name,
            )
        ax.set(xlabel="age of the last precise value", ylabel="RMSE")
        ax.legend()
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
