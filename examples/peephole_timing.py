"""Timing: were two spikes 49 or 50 steps apart? One memory cell, with peepholes and without.

Data: generated, after Gers, Schraudolph & Schmidhuber (2002), who found that LSTM learns this
"without the help of any short training exemplars" once its gates see the cell state. The one cell
has to count and to tell 49 from 50 by the value it has counted to; peepholes show that value to the
gates as it is, plain gates see h, squashed and gated.
Here the forget gate starts open (bias log(8·50)), and then the plain cell solves it as well: expect
an accuracy of 1 of both, after 104 epochs with peepholes and 153 without (medians of 5 seeds).

    python examples/peephole_timing.py --output peephole_timing.png
"""

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.functional import rnn_forward
from tidegate.layers import LSTM, Dense
from tidegate.layers.initializers import Initializer
from tidegate.models import Sequential
from tidegate.training import Callback
from tidegate.training.optimizers import Adam

START, SEEDS = 10, 5


class Remembers(Initializer):
    """Biases of one cell, in the order i f g o, that keep what is in it for some steps."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def draw(self, shape, rng):
        return np.array([-3.0, np.log(8 * self.steps), 0.0, 0.0])


class StopWhenSolved(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = logs["accuracy"] > 0.999


def spikes(count, gap, rng):
    """Return x (count, T, 1), lengths (the second spike ends it), whether they are `gap` apart."""
    first, apart = rng.integers(0, START, count), gap - rng.integers(0, 2, count)
    x = np.zeros((count, START + gap + 1, 1), np.float32)
    x[np.arange(count), first] = x[np.arange(count), first + apart] = 1
    return x, first + apart + 1, apart == gap


def main():
    args = arguments(__doc__, epochs=250, gap=50)
    rng = np.random.default_rng(0)
    x, lengths, y = spikes(2000, args.gap, rng)
    x_test, lengths_test, y_test = spikes(1000, args.gap, rng)
    epochs, accuracy, models = {}, {}, {}
    for name, peephole in (("plain", None), ("peephole", "diagonal")):
        runs = []
        for seed in range(SEEDS):
            cell = LSTM(
                1,
                peephole=peephole,
                unit_forget_bias=False,
                bias_initializer=Remembers(args.gap),
                input_shape=(None, 1),
            )
            model = Sequential([cell, Dense(1, "sigmoid")], seed=seed)
            model.compile(
                Adam(0.01, global_clipnorm=1.0), "binary_crossentropy", metrics=["accuracy"]
            )
            history = model.fit(
                x, y, lengths=lengths, epochs=args.epochs, verbose=0, callbacks=[StopWhenSolved()]
            )
            right = (model.predict(x_test, lengths=lengths_test)[:, 0] > 0.5) == y_test
            runs.append((len(history.epoch), right.mean()))
        epochs[name], accuracy[name] = np.median(runs, axis=0)
        models[name] = model
        print(f"{name}: solved in epochs " + ", ".join(str(count) for count, _ in runs))
    show_scores("median accuracy", {"chance": 0.5} | accuracy)
    show_scores("median epochs", {f"{name}, until solved": n for name, n in epochs.items()})

    if (pair := axes(args.output, 1, 2, size=(8, 3.5), sharey=True)) is not None:
        for ax, (name, model) in zip(pair, models.items(), strict=True):
            weights = model.layers[0].cell_weights
            for apart in (args.gap - 1, args.gap):
                probe = np.zeros((1, args.gap + 1, 1), np.float32)
                probe[0, [0, apart]] = 1
                run = rnn_forward(weights, probe, batch_first=True, return_cell_states=True)
                ax.plot(run.cell_states[0, : apart + 1, 0], label=f"{apart} steps apart")
            ax.set(title=name, xlabel="steps since the first spike")
        pair[0].set_ylabel("state c of the cell")
        pair[0].legend()
        save(pair[0].figure, args.output)


if __name__ == "__main__":
    main()
