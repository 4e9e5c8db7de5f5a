"""Images read row by row: a handwritten digit as a sequence of 8 rows of 8 pixels.

Data: scikit-learn's digits, 1797 images from the UCI repository (Alpaydin & Kaynak 1998), bundled
with it; the last 500 are the test. The baseline, logistic regression, sees all 64 pixels at once.
The picture shows what the GRUs took for another digit.
Expect 0.95 against 0.92.

    python examples/digit_rows.py --output digit_rows.png
"""

import numpy as np
from gallery import arguments, axes, package, save, show_scores

from tidegate.layers import GRU, Bidirectional, Dense, Dropout
from tidegate.models import Sequential

TEST = 500


def main():
    args = arguments(__doc__, epochs=40)
    digits = package("sklearn.datasets").load_digits()
    rows, y = digits.images / 16, digits.target  # (1797, 8, 8), 0 to 1
    train, test = slice(None, -TEST), slice(-TEST, None)

    model = Sequential(
        [
            Dense(32, "relu", input_shape=(8, 8)),
            Dropout(0.2),
            Bidirectional(GRU(64, return_sequences=True)),
            Dropout(0.2),
            Bidirectional(GRU(64)),
            Dropout(0.5),
            Dense(10, "softmax"),
        ],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(rows[train], y[train], epochs=args.epochs, verbose=0)
    chances = model.predict(rows[test])

    logistic = package("sklearn.linear_model").LogisticRegression(max_iter=1000)
    logistic.fit(digits.data[train] / 16, y[train])
    wrong = chances.argmax(axis=1) != y[test]
    scores = {
        "logistic regression": logistic.score(digits.data[test] / 16, y[test]),
        "two bidirectional GRUs": 1 - wrong.mean(),
    }
    show_scores("accuracy", scores)

    if (grid := axes(args.output, 2, 6, size=(7, 3.2))) is not None:
        surest = np.argsort(-chances.max(axis=1) * wrong)[: grid.size]
        for ax, k in zip(grid.flat, surest, strict=True):
            ax.imshow(rows[test][k], cmap="Greys")
            ax.set(xticks=[], yticks=[])
            ax.set_title(f"{y[test][k]}, read as {chances[k].argmax()}", fontsize=9)
        grid[0, 0].figure.suptitle("the surest of its errors")
        save(grid[0, 0].figure, args.output)


if __name__ == "__main__":
    main()
