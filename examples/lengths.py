"""Train on sequences of different lengths: padded, with their lengths, and in buckets of them.

Each sequence is a noisy sine of unknown frequency, 5 to 150 steps long; a GRU says the frequency.
What follows a sequence in the padded batch is 0, and a network that is not told so has to learn it.

    python examples/lengths.py --output lengths.png
"""

import argparse
import time

import numpy as np
from matplotlib.figure import Figure

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
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--output", default="lengths.png", metavar="FILE")
    args = parser.parse_args()

    sequences, y = make_sequences(1024, np.random.default_rng(0))
    x, lengths = from_ragged(sequences)
    print(f"{lengths.sum() / x[..., 0].size:.0%} of the padded batch is filled")
    ways = {
        "padded": {},
        "lengths": {"lengths": lengths},
        "lengths, in buckets": {"lengths": lengths, "bucket_by_length": True},
    }
    figure = Figure(figsize=(7, 4), layout="constrained")
    ax = figure.subplots()
    for name, options in ways.items():
        model = Sequential([GRU(32, input_shape=(None, 1)), Dense(1)], seed=1)
        model.compile("adam", "mse")
        start = time.perf_counter()
        losses = model.fit(x, y, epochs=args.epochs, verbose=0, **options).history["loss"]
        seconds = time.perf_counter() - start
        print(f"{name}: {seconds:.2f} s, loss {losses[-1]:.4f}")
        ax.semilogy(np.linspace(0, seconds, len(losses) + 1)[1:], losses, label=name)
    ax.set_xlabel("seconds of training")
    ax.set_ylabel("mean squared error")
    ax.legend()
    figure.savefig(args.output)
    print(f"picture: {args.output}")


if __name__ == "__main__":
    main()
