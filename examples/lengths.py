"""Train on sequences of different lengths: padded, with their lengths, and in buckets of them.

Each sequence is a noisy sine of unknown frequency, 5 to 150 steps long; a GRU says the frequency.
What follows a sequence in the padded batch is 0, and a network that is not told so has to learn it.

    python examples/lengths.py --output lengths.png
"""

import time

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.layers import GRU, Dense
from tidegate.models import Sequential
from tidegate.sequences import from_ragged


def make_sequences(count, rng):
    """Return a list of (T_i, 1) arrays and their frequencies."""
    frequencies = rng.uniform(0.5, 3, count)
    sequences = []
    for frequency in frequencies:
        steps = np.arange(rng.integers(5, 151))
        noise = rng.normal(scale=0.1, size=len(steps))
        sequences.append((np.sin(frequency * steps + rng.uniform(0, 6)) + noise)[:, None])
    return sequences, frequencies


def main():
    args = arguments(__doc__, epochs=15)

    sequences, y = make_sequences(1024, np.random.default_rng(0))
    x, lengths = from_ragged(sequences)
    print(f"{lengths.sum() / x[..., 0].size:.0%} of the padded batch is filled")
    ways = {
        "padded": {},
        "lengths": {"lengths": lengths},
        "lengths, in buckets": {"lengths": lengths, "bucket_by_length": True},
    }
    ax, scores = axes(args.output), {}
    for name, options in ways.items():
        model = Sequential([GRU(32, input_shape=(None, 1)), Dense(1)], seed=1)
        model.compile("adam", "mse")
        start = time.perf_counter()
        losses = model.fit(x, y, epochs=args.epochs, verbose=0, **options).history["loss"]
        seconds = time.perf_counter() - start
        print(f"{name} took {seconds:.2f} s")
        scores[name] = losses[-1]
        if ax is not None:
            ax.semilogy(np.linspace(0, seconds, len(losses) + 1)[1:], losses, label=name)
    show_scores("loss", scores)
    if ax is not None:
        ax.set(xlabel="seconds of training", ylabel="mean squared error")
        ax.legend()
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
