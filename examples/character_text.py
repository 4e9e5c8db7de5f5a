"""Text generation: write, character by character, in the style of Python's language reference.

Data: the texts of `help("topics")`, which Python brings as `pydoc_data.topics`; the last tenth is
the test. Scores are bits per character: how surprised the model is. Baselines: the frequency of
each character after the two before it (add-0.1 smoothing), and the lzma compressor, which reads
the same text first and wins: the topics quote each other, and it copies whole sentences. Then a
Stream writes, one character per step.
Expect 2.1 bits against 2.6 and 1.8; most words are right, sentences are not.

    python examples/character_text.py --output character_text.png
"""

import lzma
from pydoc_data.topics import topics

import numpy as np
from gallery import arguments, axes, save, show_scores

import tidegate as tg
from tidegate.layers import LSTM, Dense, Embedding
from tidegate.models import Sequential

LETTERS, STEPS = 128, 80


def load(size):
    text = "\n\n".join(topics[name] for name in sorted(topics))
    text = "\n\n".join(dict.fromkeys(text.split("\n\n")))  # topics repeat each other
    codes = np.array([ord(letter) for letter in text if ord(letter) < LETTERS][:size])
    return codes[: -len(codes) // 10], codes[-len(codes) // 10 :]


def after_two(train, test):
    """Bits per character of a table of what follows two characters."""
    counts = np.full((LETTERS, LETTERS, LETTERS), 0.1)
    np.add.at(counts, (train[:-2], train[1:-1], train[2:]), 1)
    chances = counts / counts.sum(axis=2, keepdims=True)
    return -np.mean(np.log2(chances[test[:-2], test[1:-1], test[2:]]))


def compressed(train, test):
    """Bits per character that lzma needs more when the test follows."""
    both = np.concatenate([train, test])
    sizes = [len(lzma.compress(codes.astype(np.uint8).tobytes())) for codes in (train, both)]
    return 8 * (sizes[1] - sizes[0]) / len(test)


def write(model, start, count, rng):
    stream, text = tg.Stream(model), start
    for letter in start:
        chances = stream.step([ord(letter)])[0]
    for _ in range(count):
        sharp = chances.astype(float) ** 1.5  # a little less adventurous than the model
        code = rng.choice(LETTERS, p=sharp / sharp.sum())
        text += chr(code)
        chances = stream.step([code])[0]
    return text


def main():
    args = arguments(__doc__, epochs=8, characters=400_000)
    train, test = load(args.characters)
    model = Sequential(
        [
            Embedding(LETTERS, 32, input_shape=(None,)),
            LSTM(160, return_sequences=True),
            Dense(LETTERS, "softmax"),
        ],
        seed=0,
    )
    model.compile(tg.training.optimizers.Adam(0.004), "sparse_categorical_crossentropy")
    rows = len(train[:-1]) // STEPS
    x, y = (part[: rows * STEPS].reshape(rows, STEPS) for part in (train[:-1], train[1:]))
    losses = model.fit(x, y, epochs=args.epochs, batch_size=16, verbose=0).history["loss"]
    bits = model.evaluate(test[None, :-1], test[None, 1:], verbose=0) / np.log(2)
    scores = {
        "table of three": after_two(train, test),
        "lzma": compressed(train, test),
        "LSTM": bits,
    }
    show_scores("bits per character", scores)
    print(write(model, "The assignment ", 300, np.random.default_rng(0)))

    if (ax := axes(args.output)) is not None:
        ax.plot(np.arange(1, len(losses) + 1), np.array(losses) / np.log(2), label="LSTM, training")
        for (name, score), style in zip(scores.items(), (":", "--", "-"), strict=True):
            ax.axhline(score, color="grey", ls=style, label=f"{name}, test: {score:.2f}")
        ax.set(xlabel="epoch", ylabel="bits per character")
        ax.legend()
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
