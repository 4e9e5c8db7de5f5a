"""Forecast a year of weekly CO2 at Mauna Loa from the weeks before it, with the pieces of the demo.

`tidegate demo` does the same with more care; this is how to call the pieces for a series of your
own. The network sees the record up to 1999 in training, and forecasts 2001 from the end of 2000.

    python examples/co2_forecast.py --output co2.png
"""

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.demo.co2 import load_co2
from tidegate.forecast import baselines
from tidegate.forecast.forecaster import Recipe, train
from tidegate.forecast.windows import Windows

YEAR = 52


def main():
    args = arguments(__doc__, epochs=10)

    series = load_co2()  # 2284 weeks, NaN where one is missing
    end = len(series)
    windows = Windows(past=YEAR, horizon=YEAR)
    network = train(series, end - 2 * YEAR, windows, Recipe(cell="gru", epochs=args.epochs))

    origin = np.array([end - YEAR - 1])  # the last week that the forecast may know
    truth = series.values[end - YEAR :]
    forecasts = {
        "seasonal naive": baselines.seasonal_naive(series, origin, YEAR)[0],
        "GRU": network.predict(series, origin)[0],
    }

    scores = {n: np.sqrt(np.nanmean((f - truth) ** 2)) for n, f in forecasts.items()}
    show_scores("RMSE in ppm", scores)

    if (ax := axes(args.output, size=(9, 4))) is not None:
        known, ahead = np.arange(end - 3 * YEAR, end - YEAR), np.arange(end - YEAR, end)
        ax.plot(series.axis.times(known), series.values[known], color="grey", label="history")
        ax.plot(series.axis.times(ahead), truth, color="black", label="truth")
        for name, forecast in forecasts.items():
            ax.plot(series.axis.times(ahead), forecast, label=f"{name}, RMSE {scores[name]:.2f}")
        ax.set_ylabel("CO2 (ppm)")
        ax.legend()
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
