"""Watch a signal one value at a time: a GRU predicts the next value, and its errors give an alarm.

Trained on batches of a noisy cycle, used on an endless stream: the state is kept between the steps,
so each new value costs one step, not a whole window.

    python examples/stream.py --output stream.png
"""

import numpy as np
from gallery import arguments, axes, save, show_scores

import tidegate as tg
from tidegate.layers import GRU, Dense
from tidegate.models import Sequential

WINDOW, SMOOTH = 50, 20


def cycle(length, period, rng):
    return np.sin(2 * np.pi * np.arange(length) / period) + rng.normal(0, 0.1, length)


def train(epochs, rng):
    signal = cycle(2000, 25, rng).astype(np.float32)[:, None]
    windows = np.stack([signal[t : t + WINDOW + 1] for t in range(0, len(signal) - WINDOW, 5)])
    model = Sequential([GRU(16, return_sequences=True, input_shape=(None, 1)), Dense(1)], seed=0)
    model.compile(optimizer=tg.training.optimizers.Adam(0.01), loss="mse")
    model.fit(windows[:, :-1], windows[:, 1:], epochs=epochs, verbose=0)
    return model


def main():
    args = arguments(__doc__, epochs=20)

    rng = np.random.default_rng(0)
    stream = tg.Stream(train(args.epochs, rng))
    signal = np.concatenate([cycle(400, 25, rng), cycle(200, 17, rng)])  # it changes at 400
    predicted = np.zeros(len(signal))
    for t, value in enumerate(signal[:-1]):
        predicted[t + 1] = stream.step([[value]])[0, 0]
    squared = (signal - predicted) ** 2
    error = np.sqrt(np.convolve(squared, np.ones(SMOOTH) / SMOOTH, mode="full")[: len(signal)])
    limit = 2 * error[100:400].mean()
    late = np.flatnonzero(error[400:] > limit)
    show_scores(
        "error",
        {"before the change": error[100:400].mean(), "after the change": error[450:].mean()},
    )
    print(f"alarm {late[0]} steps after the change" if late.size else "no alarm")

    if (both := axes(args.output, rows=2, size=(6.5, 3.3), sharex=True)) is not None:
        above, below = both
        above.plot(signal, color="grey", lw=0.8, label="signal")
        above.plot(predicted, color="tab:blue", lw=1, label="predicted one step before")
        above.legend(loc="upper left")
        below.plot(error, color="tab:red", label=f"error over {SMOOTH} steps")
        below.axhline(limit, color="grey", ls="--", label="alarm")
        below.axvline(400, color="grey", ls=":")
        below.set_xlabel("step")
        below.legend(loc="upper left")
        save(above.figure, args.output)


if __name__ == "__main__":
    main()
