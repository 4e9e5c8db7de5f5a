"""High-dimensional sequences: do two rhythms that 2000 noisy channels carry beat in step?

Data: generated. Two hidden oscillations of one frequency, mixed into 2000 channels with fixed
random weights, under noise far louder than they are in any one channel; 40 steps. The target is
whether they are in phase or in opposite phase: which no channel and no step says alone, and no
linear function of all of them can. Dense(16) at every step finds the few directions that matter,
an LSTM what happens in them. Baseline: logistic regression on all 80 000 numbers.
Expect 0.95 or more against about 0.5, which is chance.

    python examples/high_dimensional.py --output high_dimensional.png
"""

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.layers import LSTM, Dense
from tidegate.models import Sequential
from tidegate.training.optimizers import Adam

STEPS, NOISE = 40, 2.0


def samples(count, mixing, rng):
    """Return x (count, STEPS, channels), and whether the oscillations are in phase."""
    same = rng.integers(0, 2, count)
    phase = rng.uniform(0, 2 * np.pi, (count, 1)) + 0.5 * np.arange(STEPS)
    hidden = np.stack([np.sin(phase), np.sin(phase) * (2 * same[:, None] - 1)], axis=-1)
    x = hidden.astype(np.float32) @ mixing
    x += NOISE * rng.standard_normal(x.shape, np.float32)
    return x, same


def logistic(x, y, x_test):
    """Return guesses of a logistic regression."""
    model = Sequential([Dense(1, "sigmoid", input_shape=(x[0].size,))], seed=0)
    model.compile("adam", "binary_crossentropy")
    model.fit(x.reshape(len(x), -1), y, epochs=5, verbose=0)
    return model.predict(x_test.reshape(len(x_test), -1))[:, 0] > 0.5


def main():
    args = arguments(__doc__, epochs=8, channels=2000)
    rng = np.random.default_rng(0)
    mixing = rng.normal(scale=0.25, size=(2, args.channels)).astype(np.float32)
    x, y = samples(600, mixing, rng)
    x_test, y_test = samples(300, mixing, rng)

    model = Sequential(
        [Dense(16, input_shape=(STEPS, args.channels)), LSTM(32), Dense(1, "sigmoid")], seed=0
    )
    model.compile(Adam(0.003), "binary_crossentropy")
    model.fit(x, y, epochs=args.epochs, verbose=0)
    scores = {
        "logistic regression": np.mean(logistic(x, y, x_test) == y_test),
        "Dense(16) and LSTM": np.mean((model.predict(x_test)[:, 0] > 0.5) == y_test),
    }
    show_scores("accuracy", scores)

    if (pair := axes(args.output, 1, 2, size=(8, 3.5))) is not None:
        pair[0].imshow(x_test[0, :, :60].T, aspect="auto", cmap="RdBu")
        pair[0].set(xlabel="step", ylabel="60 of the channels", title="what the model sees")
        kernel = model.layers[0].get_weights()[0]  # (channels, 16)
        basis = np.linalg.qr(kernel)[0]
        found = np.linalg.norm(basis.T @ mixing.T, axis=0) / np.linalg.norm(mixing, axis=1)
        chance = np.sqrt(kernel.shape[1] / args.channels)
        pair[1].bar(["first", "second"], found)
        pair[1].axhline(chance, color="grey", ls=":", label="random directions")
        pair[1].set(title="share of each rhythm's direction in Dense", ylim=(0, 1))
        pair[1].legend()
        save(pair[0].figure, args.output)


if __name__ == "__main__":
    main()
