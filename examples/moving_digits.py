"""Image sequences: the next frames of a handwritten digit that bounces about.

Data: films of 20 frames of 16x16 pixels, made from scikit-learn's digits (8x8) as Moving MNIST is
from MNIST (Srivastava, Mansimov & Salakhutdinov 2015); other digits in the test films than in those
to learn from. An LSTM reads a frame and says the next. Baselines: the frame as it is; each pixel
goes on as from the frame before. In the picture the LSTM sees 10 frames, then what it said itself.
Expect 0.42 of the baseline's squared error one frame ahead, and more blur with every frame.

    python examples/moving_digits.py --output moving_digits.png
"""

import numpy as np
from gallery import arguments, axes, package, save, show_scores

import tidegate as tg
from tidegate.layers import LSTM, Dense
from tidegate.models import Sequential

FRAMES, SIDE, DIGIT, SEEN = 20, 16, 8, 10


def films(images, count, rng):
    """Return (count, FRAMES, SIDE * SIDE) values from 0 to 1."""
    room = SIDE - DIGIT
    screen = np.zeros((count, FRAMES, SIDE, SIDE), np.float32)
    for film in screen:
        image, start, speed = rng.choice(images), rng.uniform(0, 2 * room, 2), rng.uniform(-2, 2, 2)
        path = (start + speed * np.arange(FRAMES)[:, None]) % (2 * room)
        corners = (room - abs(path - room)).round().astype(int)  # it bounces: a triangle wave
        for frame, (row, column) in zip(film, corners, strict=True):
            frame[row : row + DIGIT, column : column + DIGIT] = image
    return screen.reshape(count, FRAMES, -1)


def dream(model, film):
    """Return what the model says when it sees SEEN frames, then its own."""
    stream, said = tg.Stream(model), [film[0]]
    for t in range(FRAMES - 1):
        frame = film[t] if t < SEEN else said[t]
        said.append(stream.step(frame[None])[0].copy())
    return np.array(said)


def main():
    args = arguments(__doc__, epochs=20, films=2000)
    images = (package("sklearn.datasets").load_digits().images / 16).astype(np.float32)
    rng = np.random.default_rng(0)
    x, test = films(images[:-500], args.films, rng), films(images[-500:], 200, rng)

    model = Sequential(
        [
            LSTM(256, return_sequences=True, input_shape=(None, SIDE * SIDE)),
            Dense(SIDE * SIDE, "sigmoid"),
        ],
        seed=0,
    )
    model.compile(tg.training.optimizers.Adam(0.002), "binary_crossentropy")
    model.fit(x[:, :-1], x[:, 1:], epochs=args.epochs, verbose=0)

    before, now, after = test[:, SEEN - 2 : -2], test[:, SEEN - 1 : -1], test[:, SEEN:]
    said = {
        "the frame as it is": now,
        "each pixel goes on": np.clip(2 * now - before, 0, 1),
        "LSTM": model.predict(test[:, :-1])[:, SEEN - 1 :],
    }
    show_scores("squared error", {name: np.mean((s - after) ** 2) for name, s in said.items()})

    if (grid := axes(args.output, 2, 10, size=(9, 2.2))) is not None:
        for column, t in zip(grid.T, range(SEEN - 2, SEEN + 8), strict=True):
            for ax, frames in zip(column, (test[0], dream(model, test[0])), strict=True):
                ax.imshow(frames[t].reshape(SIDE, SIDE), cmap="Greys", vmin=0, vmax=1)
                ax.set(xticks=[], yticks=[])
            column[0].set_title(f"frame {t + 1}", fontsize=8)
        grid[0, 0].set_ylabel("film")
        grid[1, 0].set_ylabel("LSTM")
        save(grid[0, 0].figure, args.output)


if __name__ == "__main__":
    main()
