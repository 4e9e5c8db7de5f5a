"""A periodic series: the sunspots of the next year, from all years before.

Data: yearly sunspot numbers 1700 to 2008, bundled with statsmodels. Learnt from the years to 1920,
as is usual since Weigend, Huberman & Rumelhart (1990); tested on 1921 to 2008. Baselines: the year
before, and AR(9) by least squares, which is strong on this series.
The mean of five small GRUs: expect an RMSE of 14.7 against 17.4 of AR(9), on 88 test years.

    python examples/sunspots.py --output sunspots.png
"""

import numpy as np
from gallery import arguments, axes, package, save, show_scores

from tidegate.layers import GRU, Dense
from tidegate.models import Sequential
from tidegate.training.optimizers import Adam

TRAIN, PAST, ORDER = 1920 - 1700 + 1, 33, 9


def windows(series, past):
    """Return (n, past) histories and the (n,) values that follow; n = T - past."""
    return np.lib.stride_tricks.sliding_window_view(series[:-1], past), series[past:]


def autoregression(series):
    x, y = windows(series, ORDER)
    x = np.column_stack([x, np.ones(len(x))])
    known = TRAIN - ORDER
    return (x @ np.linalg.lstsq(x[:known], y[:known], rcond=None)[0])[known:]


def network(series, epochs, seed):
    scaled = np.sqrt(series) / 10  # the spread of sunspots grows with their number
    x, y = windows(scaled, PAST)
    known = TRAIN - PAST
    model = Sequential([GRU(16, input_shape=(PAST, 1)), Dense(1)], seed=seed)
    model.compile(Adam(0.005), "mse")
    model.fit(x[:known, :, None], y[:known], epochs=epochs, batch_size=16, verbose=0)
    return (10 * np.maximum(model.predict(x[known:, :, None])[:, 0], 0)) ** 2


def main():
    args = arguments(__doc__, epochs=60)
    series = package("statsmodels.datasets.sunspots").load_pandas().data["SUNACTIVITY"].to_numpy()
    truth = series[TRAIN:]
    forecasts = {
        "the year before": series[TRAIN - 1 : -1],
        "AR(9)": autoregression(series),
        "five GRUs": np.mean([network(series, args.epochs, seed) for seed in range(5)], axis=0),
    }
    scores = {name: np.sqrt(np.mean((f - truth) ** 2)) for name, f in forecasts.items()}
    show_scores("RMSE", scores)

    if (ax := axes(args.output, size=(8, 3.5))) is not None:
        years = 1700 + np.arange(len(series))
        ax.plot(years[TRAIN:], truth, "k.-", lw=0.8, label="truth")
        for name in ("AR(9)", "five GRUs"):
            ax.plot(years[TRAIN:], forecasts[name], label=f"{name}, RMSE {scores[name]:.1f}")
        ax.set(ylabel="sunspots, one year ahead")
        ax.legend(loc="upper left")
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
