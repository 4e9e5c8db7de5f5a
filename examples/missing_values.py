"""Missing values: sensors that fail for a while, GRU-D against filling gaps with the mean.

Data: generated. Three sensors watch one slow process for 60 steps; each fails now and then, for 10
steps on average, the more likely the higher the process is: half of the values are missing, and
that they are says something. The target is the process at the last step. Four ways with the same
units: mean filled in; the last value carried on; value, mask and time since observed as features
(MissingIndicator); GRU-D, whose inputs and state decay with rates it learns.
Expect an RMSE of 0.40 for GRU-D, 0.44 for MissingIndicator, 0.47 and 0.51 for the two fillings.

    python examples/missing_values.py --output missing_values.png
"""

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.layers import GRU, GRUD, Dense, MissingIndicator
from tidegate.models import Sequential
from tidegate.sequences import feature_means, missing_indicator

STEPS, SENSORS, UNITS = 60, 3, 24


def samples(count, rng):
    """Return x (count, STEPS, SENSORS) with NaN, and the process (count, STEPS)."""
    process = np.zeros((count, STEPS))
    level = rng.normal(size=count)
    failed = np.zeros((count, SENSORS), bool)
    x = np.zeros((count, STEPS, SENSORS), np.float32)
    for t in range(STEPS):
        level = 0.95 * level + np.sqrt(1 - 0.95**2) * rng.normal(size=count)
        begins = 0.3 / (1 + np.exp(-2 * level[:, None]))
        failed = np.where(failed, rng.random(failed.shape) > 0.1, rng.random(failed.shape) < begins)
        process[:, t] = level
        x[:, t] = level[:, None] + rng.normal(scale=0.5, size=failed.shape)
        x[:, t][failed] = np.nan
    return x, process


def main():
    args = arguments(__doc__, epochs=20, samples=4000)
    rng = np.random.default_rng(0)
    x, process = samples(args.samples, rng)
    x_test, process_test = samples(1000, rng)
    print(f"{np.isnan(x).mean():.0%} of the values are missing")
    mean = feature_means(x)
    shape = (STEPS, SENSORS)

    def filled(x):
        return np.where(np.isnan(x), np.asarray(mean, np.float32), x)

    def carried(x):
        return missing_indicator(x, mean=mean)[..., :SENSORS]

    ways = {
        "mean filled in": (filled, [GRU(UNITS, input_shape=shape)]),
        "last value": (carried, [GRU(UNITS, input_shape=shape)]),
        "MissingIndicator": (lambda x: x, [MissingIndicator(input_shape=shape), GRU(UNITS)]),
        "GRU-D": (lambda x: x, [GRUD(UNITS, mean=mean, input_shape=shape)]),
    }
    scores, said = {"the mean process": process_test[:, -1].std()}, {}
    for name, (prepared, layers) in ways.items():
        model = Sequential([*layers, Dense(1)], seed=0)
        model.compile("adam", "mse")
        model.fit(prepared(x), process[:, -1], epochs=args.epochs, verbose=0)
        said[name] = model.predict(prepared(x_test))[:, 0]
        scores[name] = np.sqrt(np.mean((said[name] - process_test[:, -1]) ** 2))
    show_scores("RMSE", scores)

    if (ax := axes(args.output)) is not None:
        seen = ~np.isnan(x_test).all(axis=2)
        age, ages = seen[:, ::-1].argmax(axis=1), np.arange(8)
        for name, guess in said.items():
            squared = (guess - process_test[:, -1]) ** 2
            ax.plot(ages, [np.sqrt(squared[age == a].mean()) for a in ages], ".-", label=name)
        ax.set(xlabel="steps since any sensor was seen", ylabel="RMSE")
        ax.legend()
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
