"""Long dependencies: add two numbers that stand somewhere in 600 steps (the adding problem).

Data: generated after Hochreiter & Schmidhuber (1997). A step is a number from 0 to 1 and a mark;
one step in each half is marked; the target is the sum of both numbers. To say 1 always costs 0.167,
the variance of that sum: the baseline.
Published for T = 600, squared error (Bai, Kolter & Koltun 2018, arXiv:1803.01271, table 1; about
70 000 weights each): LSTM 0.164, GRU 5.3e-5, simple RNN 0.177, temporal convolution 5.8e-5.
Here a GRU with 13 000 weights and less than a minute: it stays at 0.167 for some 400 batches, then
finds it. Expect 0.0013: solved, but not to the published precision.

    python examples/adding_problem.py --output adding_problem.png
"""

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.layers import GRU, Dense
from tidegate.models import Sequential
from tidegate.training.optimizers import Adam, CosineDecay

BATCH, BATCHES = 32, 50


def samples(count, steps, rng):
    x = np.zeros((count, steps, 2), np.float32)
    x[..., 0] = rng.random((count, steps))
    rows = np.arange(count)
    first, second = rng.integers([[0], [steps // 2]], [[steps // 2], [steps]], (2, count))
    x[rows, first, 1] = x[rows, second, 1] = 1
    return x, x[rows, first, 0] + x[rows, second, 0]


def main():
    args = arguments(__doc__, epochs=28, steps=600)
    rng = np.random.default_rng(0)
    x_test, y_test = samples(500, args.steps, rng)

    model = Sequential([GRU(64, input_shape=(None, 2)), Dense(1)], seed=0)
    rate = CosineDecay(0.01, args.epochs * BATCHES)
    model.compile(Adam(rate, global_clipnorm=1.0), "mse")
    losses = []
    for _ in range(args.epochs):  # new samples all the time: nothing to learn by heart
        batches = (samples(BATCH, args.steps, rng) for _ in range(BATCHES))
        losses.append(np.mean([model.train_on_batch(*batch) for batch in batches]))
    error = np.mean((model.predict(x_test)[:, 0] - y_test) ** 2)
    show_scores("squared error", {"always 1": np.mean((1 - y_test) ** 2), "GRU": error})

    if (ax := axes(args.output)) is not None:
        ax.semilogy(np.arange(1, len(losses) + 1) * BATCHES * BATCH, losses, label="GRU(64)")
        ax.axhline(1 / 6, color="grey", ls=":", label="always 1")
        ax.set(xlabel=f"sequences of {args.steps} steps", ylabel="squared error")
        ax.legend()
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
