"""Long dependencies: repeat ten letters after a silence (the copy memory problem).

Data: generated after Hochreiter & Schmidhuber (1997) as in Arjovsky, Shah & Bengio (2016): 10 of 8
letters, T blanks, a signal, and then the letters are to be said again. Who knows nothing of them
has a loss of 10 ln 8 / (T + 20): the baseline. Published for T = 1000, loss (Bai, Kolter & Koltun
2018, arXiv:1803.01271, table 1): LSTM 0.0204, GRU 0.0197, simple RNN 0.0202, all at the baseline of
0.0204; only their convolution solves it. With T = 50 a GRU gets under the baseline after some 700
batches and says more and more of the letters; with T = 100 we saw none do so in a minute.
Expect a loss of 0.15, half of the baseline, and 58 % of the letters: on its way, not solved.

    python examples/copy_memory.py --output copy_memory.png
"""

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.layers import GRU, Dense, Embedding
from tidegate.models import Sequential
from tidegate.training.optimizers import Adam

LETTERS, LENGTH, BATCH, BATCHES = 8, 10, 32, 50
BLANK, SIGNAL = LETTERS, LETTERS + 1


def samples(count, steps, rng):
    letters = rng.integers(0, LETTERS, (count, LENGTH))
    x = np.full((count, steps + 2 * LENGTH), BLANK)
    y = x.copy()
    x[:, :LENGTH], y[:, -LENGTH:] = letters, letters
    x[:, -LENGTH - 1] = SIGNAL
    return x, y


def main():
    args = arguments(__doc__, epochs=40, steps=50)
    rng = np.random.default_rng(0)
    x_test, y_test = samples(500, args.steps, rng)
    model = Sequential(
        [
            Embedding(LETTERS + 2, 16, input_shape=(None,)),
            GRU(96, return_sequences=True),
            Dense(LETTERS + 1, "softmax"),
        ],
        seed=0,
    )
    model.compile(Adam(0.01, global_clipnorm=1.0), "sparse_categorical_crossentropy")
    losses = []
    for _ in range(args.epochs):
        batches = (samples(BATCH, args.steps, rng) for _ in range(BATCHES))
        losses.append(np.mean([model.train_on_batch(*batch) for batch in batches]))
    nothing = LENGTH * np.log(LETTERS) / (args.steps + 2 * LENGTH)
    show_scores(
        "loss", {"knows nothing": nothing, "GRU": model.evaluate(x_test, y_test, verbose=0)}
    )
    right = model.predict(x_test)[:, -LENGTH:].argmax(axis=2) == y_test[:, -LENGTH:]
    print(f"it says {right.mean():.0%} of the letters, chance is {1 / LETTERS:.0%}")

    if (pair := axes(args.output, 1, 2, size=(8, 3.5))) is not None:
        pair[0].plot(np.arange(1, len(losses) + 1) * BATCHES, losses, label="GRU(96)")
        pair[0].axhline(nothing, color="grey", ls=":", label="knows nothing")
        pair[0].set(xlabel="batches", ylabel="loss", ylim=(0, 2 * nothing))
        pair[0].legend()
        pair[1].bar(np.arange(1, LENGTH + 1), right.mean(axis=0))
        pair[1].axhline(1 / LETTERS, color="grey", ls=":")
        pair[1].set(xlabel="letter", ylabel="share that is right", ylim=(0, 1))
        save(pair[0].figure, args.output)


if __name__ == "__main__":
    main()
