"""Variable-length audio: which of nine men said /ae/, from 7 to 29 frames of his voice.

Data: Japanese Vowels (Kudo, Toyama & Shimbo 1999), 270 utterances to learn from and 370 to test on,
12 LPC cepstrum coefficients per frame; bundled with aeon. Kudo et al. reached 0.941 with a
classifier of their own. The baseline looks at the mean frame of an utterance only (nearest
neighbour). A list of (T_i, 12) arrays goes into `fit` as it is: no padding, no mask to make.
Expect 0.98, above the mean frame and above 1999; one utterance more or less is 0.003.

    python examples/japanese_vowels.py --output japanese_vowels.png
"""

import numpy as np
from gallery import arguments, axes, package, save, show_scores

from tidegate.layers import GRU, Bidirectional, Dense, Dropout
from tidegate.models import Sequential


def load(split):
    x, y = package("aeon.datasets").load_japanese_vowels(split)
    return [np.asarray(utterance).T for utterance in x], np.asarray(y).astype(int) - 1


def nearest_mean_frame(x, y, x_test):
    means = np.array([utterance.mean(axis=0) for utterance in x])
    test = np.array([utterance.mean(axis=0) for utterance in x_test])
    distances = np.linalg.norm(test[:, None] - means, axis=2)
    return y[distances.argmin(axis=1)]


def main():
    args = arguments(__doc__, epochs=60)
    (x, y), (x_test, y_test) = load("train"), load("test")
    frames = np.concatenate(x)
    x, x_test = (
        [(u - frames.mean(axis=0)) / frames.std(axis=0) for u in utterances]
        for utterances in (x, x_test)
    )

    model = Sequential(
        [
            Bidirectional(GRU(32, dropout=0.2, input_shape=(None, 12))),
            Dropout(0.3),
            Dense(9, "softmax"),
        ],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=args.epochs, verbose=0)
    guess = model.predict(x_test).argmax(axis=1)

    show_scores(
        "accuracy",
        {
            "nearest mean frame": np.mean(nearest_mean_frame(x, y, x_test) == y_test),
            "bidirectional GRU": np.mean(guess == y_test),
        },
    )
    if (ax := axes(args.output, size=(4.5, 4))) is not None:
        confusion = np.zeros((9, 9), int)
        np.add.at(confusion, (y_test, guess), 1)
        ax.imshow(np.log1p(confusion), cmap="Blues")
        for (true, guessed), count in np.ndenumerate(confusion):
            if count:
                ax.text(guessed, true, count, ha="center", va="center", color="tab:red")
        ax.set(xlabel="speaker that the GRU heard", ylabel="speaker", title="370 test utterances")
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
