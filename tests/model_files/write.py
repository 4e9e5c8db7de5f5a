"""Writes the model files of this folder: what `save` makes of small models in the present format.

    PYTHONPATH=python python tests/model_files/write.py

Beside each file stand an input, the model's prediction and, where it has an optimizer, the
prediction after one more epoch (arrays.npz). The names begin with the version of the format: files
of an older version stay as they were written, and this script writes only those of the present one.
"""

from pathlib import Path

import numpy as np

from tidegate.io import FORMAT_VERSION
from tidegate.layers import GRU, LSTM, Bidirectional, Concatenate, Dense, Embedding, Input
from tidegate.models import Model, Sequential

HERE = Path(__file__).resolve().parent


def sequential(rng):
    """A trained sequence of layers with the optimizer's moments, its input and targets."""
    model = Sequential(
        [
            Embedding(9, 3, input_shape=(4,), mask_zero=True),
            Bidirectional(GRU(3, return_sequences=True)),
            LSTM(3, peephole="diagonal"),
            Dense(1),
        ],
        name="tokens",
        seed=1,
    )
    model.compile("adam", "mse", metrics=["mae"])
    x, y = rng.integers(1, 9, (8, 4)), rng.standard_normal((8, 1)).astype(np.float32)
    model.fit(x, y, epochs=3, verbose=0)
    return model, x, y


def graph(rng):
    """A model with two branches, without an optimizer; its input."""
    x = Input((5, 3))
    branches = [LSTM(3)(x), GRU(2, reset_after=False)(x)]
    model = Model(x, Dense(2, "tanh")(Concatenate()(branches)), name="branches", seed=2)
    return model, rng.standard_normal((4, 5, 3)).astype(np.float32)


def main():
    rng = np.random.default_rng(2026)
    known = HERE / "arrays.npz"
    arrays = dict(np.load(known)) if known.exists() else {}
    name = f"format_{FORMAT_VERSION}"
    model, x, y = sequential(rng)
    model.save(HERE / f"{name}_sequential.safetensors")
    arrays |= {f"{name}_sequential.x": x, f"{name}_sequential.y": model.predict(x)}
    model.fit(x, y, verbose=0, shuffle=False)
    arrays |= {f"{name}_sequential.targets": y, f"{name}_sequential.trained": model.predict(x)}
    model, x = graph(rng)
    model.save(HERE / f"{name}_graph.safetensors")
    arrays |= {f"{name}_graph.x": x, f"{name}_graph.y": model.predict(x)}
    np.savez_compressed(known, **arrays)
    for path in sorted(HERE.iterdir()):
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
