"""Several sensors: which of four things the wearer of a watch does, by a model with two branches.

Data: BasicMotions, from the UEA archive (Bagnall et al. 2018), bundled with aeon: 40 recordings to
learn from and 40 to test on, 100 steps of an accelerometer and a gyroscope with three axes each;
standing, walking, running, badminton. Each sensor has its own GRU, with a
learnt query that weighs its steps (the last step alone: 0.7 to 0.9); the branches are joined. The
baseline is the nearest neighbour by Euclidean distance.
Expect 0.975 to 1.0 (three seeds) against 0.6. Forty tests: one more or less is 0.025.

    python examples/basic_motions.py --output basic_motions.png
"""

import numpy as np
from gallery import arguments, axes, package, save, show_scores

from tidegate.layers import GRU, AttentionPooling, Concatenate, Dense, Dropout, Input
from tidegate.models import Model

SENSORS = {"accelerometer": slice(0, 3), "gyroscope": slice(3, 6)}


def load(split):
    x, y = package("aeon.datasets").load_basic_motions(split)
    return x.transpose(0, 2, 1), y  # (40, 100, 6)


def two_branches():
    inputs = [Input((None, 3), name=name) for name in SENSORS]
    branches = [AttentionPooling(24)(GRU(24, return_sequences=True)(sensor)) for sensor in inputs]
    return Model(inputs, Dense(4, "softmax")(Dropout(0.3)(Concatenate()(branches))), seed=0)


def main():
    args = arguments(__doc__, epochs=60)
    (x, y), (x_test, y_test) = load("train"), load("test")
    names, y = np.unique(y, return_inverse=True)
    y_test = np.searchsorted(names, y_test)
    nearest = np.linalg.norm((x_test[:, None] - x).reshape(40, 40, -1), axis=2).argmin(axis=1)

    scale = x.std(axis=(0, 1))
    parts, parts_test = (
        {name: (values / scale)[..., columns] for name, columns in SENSORS.items()}
        for values in (x, x_test)
    )
    model = two_branches()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(parts, y, epochs=args.epochs, batch_size=8, verbose=0)
    guess = model.predict(parts_test).argmax(axis=1)
    show_scores(
        "accuracy",
        {
            "nearest neighbour": np.mean(y[nearest] == y_test),
            "two GRUs": np.mean(guess == y_test),
        },
    )

    if (grid := axes(args.output, 2, 4, size=(9, 3.5), sharex=True, sharey="row")) is not None:
        for column, kind in zip(grid.T, range(4), strict=True):
            k = np.flatnonzero(y_test == kind)[0]
            column[0].set_title(f"{names[kind]}: {names[guess[k]]}", fontsize=9)
            for ax, sensor in zip(column, parts_test.values(), strict=True):
                ax.plot(sensor[k], lw=0.8)
        for ax, name in zip(grid[:, 0], SENSORS, strict=True):
            ax.set_ylabel(name)
        grid[0, 0].figure.suptitle("what it was, and what the model says")
        save(grid[0, 0].figure, args.output)


if __name__ == "__main__":
    main()
