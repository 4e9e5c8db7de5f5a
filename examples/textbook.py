"""The textbook program (a recurrent layer, a Dense layer, random numbers) and how long it takes.

The targets are random, so there is nothing to learn but their mean: the loss settles near their
variance, 1/12, before the network begins to learn single samples by heart. Only the imports differ
from the same program in Keras.

    python examples/textbook.py --output textbook.png
"""

import time

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.layers import GRU, LSTM, Dense
from tidegate.models import Sequential


def textbook(layer, epochs):
    x_train = np.random.rand(100, 10)  # noqa: NPY002  written as textbooks write it
    y_train = np.random.rand(100, 1)  # noqa: NPY002

    model = Sequential()
    model.add(layer(10, activation="relu", input_shape=(10, 1)))
    model.add(Dense(1))
    model.compile(optimizer="adam", loss="mse")
    return model.fit(x_train, y_train, epochs=epochs, verbose=0)


def main():
    args = arguments(__doc__, epochs=100)

    ax, scores = axes(args.output), {}
    for layer in (LSTM, GRU):
        started = time.perf_counter()
        history = textbook(layer, args.epochs)
        seconds = time.perf_counter() - started
        print(f"{layer.__name__}: {args.epochs} epochs took {seconds:.3f} s")
        loss = history.history["loss"]
        scores[layer.__name__] = loss[-1]
        if ax is not None:
            ax.plot(np.arange(1, args.epochs + 1), loss, label=layer.__name__)
    show_scores("last loss", scores)
    if ax is not None:
        ax.axhline(1 / 12, color="grey", ls=":", label="variance of the targets")
        ax.set(xlabel="epoch", ylabel="loss (mean squared error)", ylim=(0, None))
        ax.legend()
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
