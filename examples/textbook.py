"""The textbook program (a recurrent layer, a Dense layer, random numbers) and how long it takes.

The targets are random, so there is nothing to learn but their mean: the loss settles near their
variance, 1/12, before the network begins to learn single samples by heart. Only the imports differ
from the same program in Keras.

    python examples/textbook.py --output textbook.png
"""

import argparse
import time

import numpy as np
from matplotlib.figure import Figure

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
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--output", default="textbook.png", metavar="FILE")
    args = parser.parse_args()

    figure = Figure(layout="constrained")
    ax = figure.subplots()
    for layer in (LSTM, GRU):
        started = time.perf_counter()
        history = textbook(layer, args.epochs)
        seconds = time.perf_counter() - started
        loss = history.history["loss"]
        print(
            f"{layer.__name__}: {args.epochs} epochs in {seconds:.3f} s, last loss {loss[-1]:.4f}"
        )
        ax.plot(np.arange(1, args.epochs + 1), loss, label=layer.__name__)
    ax.axhline(1 / 12, color="grey", ls=":", label="variance of the targets")
    ax.set(xlabel="epoch", ylabel="loss (mean squared error)", ylim=(0, None))
    ax.legend()
    figure.savefig(args.output)
    print(f"picture: {args.output}")


if __name__ == "__main__":
    main()
