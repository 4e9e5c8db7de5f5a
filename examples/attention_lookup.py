"""RNN and attention: find the value that stands beside a key, in a list of 24 pairs.

Data: generated. A sequence of 24 (key, value) pairs, all keys different, and one of the keys as
the question; the answer is its value, one of 8. A GRU alone has to keep the whole list in its
state. With attention it only has to make keys comparable: the question looks at all steps.
Both have the same GRU. Expect 1.0 with attention and 0.2 without; 1/8 is chance.

    python examples/attention_lookup.py --output attention_lookup.png
"""

import numpy as np
from gallery import arguments, axes, save, show_scores

from tidegate.layers import GRU, Attention, Concatenate, Dense, Embedding, Input
from tidegate.models import Model

KEYS, VALUES, UNITS = 32, 8, 48


def samples(count, pairs, rng):
    """Return the three inputs and the answers."""
    keys = rng.permuted(np.tile(np.arange(KEYS), (count, 1)), axis=1)[:, :pairs]
    values = rng.integers(0, VALUES, (count, pairs))
    asked = rng.integers(0, pairs, count)
    rows = np.arange(count)
    x = {"keys": keys, "values": values, "question": keys[rows, asked][:, None]}
    return x, values[rows, asked]


def make_model(*, attention):
    keys, values = Input((None,), name="keys"), Input((None,), name="values")
    question = Input((1,), name="question")
    embed_key = Embedding(KEYS, 32)
    pairs = Concatenate()([embed_key(keys), Embedding(VALUES, 16)(values)])
    read, state = GRU(UNITS, return_sequences=True, return_state=True)(pairs)
    asked = GRU(UNITS, return_sequences=True)(embed_key(question), initial_state=state)
    if attention:
        asked = Concatenate()([asked, Attention()([Dense(UNITS)(asked), read])])
    return Model([keys, values, question], Dense(VALUES, "softmax")(asked), seed=0)


def main():
    args = arguments(__doc__, epochs=20, pairs=24)
    rng = np.random.default_rng(0)
    x, y = samples(8000, args.pairs, rng)
    x_test, y_test = samples(1000, args.pairs, rng)
    scores, curves = {"chance": 1 / VALUES}, {}
    for name, attention in (("GRU", False), ("GRU and attention", True)):
        model = make_model(attention=attention)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y[:, None], epochs=args.epochs, verbose=0).history
        curves[name] = history["accuracy"]
        scores[name] = np.mean(model.predict(x_test)[:, 0].argmax(axis=1) == y_test)
    show_scores("accuracy", scores)

    if (ax := axes(args.output)) is not None:
        for name, curve in curves.items():
            ax.plot(np.arange(1, len(curve) + 1), curve, label=name)
        ax.axhline(1 / VALUES, color="grey", ls=":", label="chance")
        ax.set(xlabel="epoch", ylabel="accuracy in training")
        ax.legend()
        save(ax.figure, args.output)


if __name__ == "__main__":
    main()
