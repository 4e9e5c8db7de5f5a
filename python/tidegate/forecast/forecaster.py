"""The network and its training: one LSTM or GRU that reads the past and runs on into the future.

Direct forecasts of all leads at once: nothing that the network says is fed back, so errors do not
pile up over the horizon. The rate falls to 0 over a fixed number of steps (half a cosine), which
needs no validation part and so leaves the latest, most telling years to the training.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tidegate import io
from tidegate.forecast.errors import InputError
from tidegate.forecast.series import Series
from tidegate.forecast.windows import FEATURES, Scaling, Windows
from tidegate.layers import GRU, LSTM, Dense
from tidegate.models import Sequential
from tidegate.models.base import BaseModel
from tidegate.training.errors import TrainingDivergedError
from tidegate.training.history import History
from tidegate.training.optimizers import Adam, CosineDecay

Cell = Literal["lstm", "gru"]
CELLS: tuple[Cell, ...] = ("lstm", "gru")
_LAYERS: dict[str, type[LSTM] | type[GRU]] = {"lstm": LSTM, "gru": GRU}

SHORTEST_PAST, LONGEST_PAST = 16, 128
MOST_EPOCHS = 20
FEWEST_WINDOWS, MOST_WINDOWS = 16, 4000
_MOST_STEPS = 1_000_000  # in all windows together, which bounds memory (6 features of 8 bytes)


@dataclass(frozen=True)
class Recipe:
    """How a network is built and trained; the defaults suit a few hundred to many thousand steps.

    Attributes
    ----------
    cell : "lstm" or "gru"
    units : int
        Hidden size.
    steps : int
        About so many steps of the optimizer are made, in at most 20 epochs (more would only learn
        a short series by heart), if `epochs` is not given.
    epochs : int, optional
    learning_rate : float
    seed : int
        Of the first weights and of the order of windows.
    """

    cell: Cell = "lstm"
    units: int = 32
    steps: int = 300
    epochs: int | None = None
    learning_rate: float = 3e-3
    seed: int = 0

    def batch_size(self, count: int) -> int:
        """Return 16, 32 or 64: small data needs small batches to make enough steps."""
        return 64 if count >= 1024 else 32 if count >= 256 else 16

    def epoch_count(self, count: int) -> int:
        """Return how often all `count` windows are shown."""
        batches = -(-count // self.batch_size(count))
        return self.epochs or min(max(round(self.steps / batches), 1), MOST_EPOCHS)


def past_for(season: int) -> int:
    """Return how many steps the network reads before an origin: a season, within limits."""
    return min(max(season, SHORTEST_PAST), LONGEST_PAST)


@dataclass(frozen=True)
class Forecaster:
    """A trained network with the windows and the scaling that it was trained with."""

    recipe: Recipe
    windows: Windows
    scaling: Scaling
    model: BaseModel
    history: History | None = None

    def predict(self, series: Series, origins: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Forecast from each origin, using nothing after it.

        Parameters
        ----------
        series : Series
        origins : (N,) int64
            The last known step of each forecast, >= `windows.first_origin(series.season)`.

        Returns
        -------
        (N, horizon) float64
        """
        x = self.windows.inputs(series, origins, self.scaling)
        return self.windows.forecasts(series, origins, self.scaling, self.model.predict(x))

    def save(self, path: Path) -> None:
        """Write the network to `path` (safetensors) and the rest beside it, in `path`.json."""
        self.model.save(path)
        rest = {
            "recipe": asdict(self.recipe),
            "windows": asdict(self.windows),
            "scaling": asdict(self.scaling),
        }
        sidecar(path).write_text(json.dumps(rest, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Forecaster":
        """Read what `save` wrote."""
        rest: dict[str, Any] = json.loads(sidecar(path).read_text(encoding="utf-8"))
        return cls(
            Recipe(**rest["recipe"]),
            Windows(**rest["windows"]),
            Scaling(**rest["scaling"]),
            io.load(path),
        )


def sidecar(path: Path) -> Path:
    """Return where the numbers beside a saved network are kept."""
    return path.with_name(path.name + ".json")


def build(recipe: Recipe, windows: Windows, count: int) -> Sequential:
    """Return the compiled network for training on `count` windows."""
    layer = _LAYERS[recipe.cell]
    shape = (windows.past + windows.horizon, len(FEATURES))
    model = Sequential(
        [layer(recipe.units, return_sequences=True, input_shape=shape), Dense(1)],
        name=recipe.cell,
        seed=recipe.seed,
    )
    steps = recipe.epoch_count(count) * -(-count // recipe.batch_size(count))
    rate = CosineDecay(recipe.learning_rate, steps)
    model.compile(optimizer=Adam(rate, global_clipnorm=1.0), loss="mse")
    return model


def train(
    series: Series, end: int, windows: Windows, recipe: Recipe, *, verbose: int = 0
) -> Forecaster:
    """Train on the steps before `end`; nothing at or after it is looked at.

    Parameters
    ----------
    series : Series
    end : int
        The first step that training may not see, as input or as target.
    windows : Windows
    recipe : Recipe
    verbose : int
        1 shows a progress bar.

    Raises
    ------
    InputError
        There are too few windows, or training diverges.
    KeyboardInterrupt
        Ctrl-C during training.
    """
    known = series.until(end)
    fitting = _MOST_STEPS // (windows.past + windows.horizon)
    most = min(max(fitting, FEWEST_WINDOWS), MOST_WINDOWS)
    origins = windows.training_origins(known, end, most)
    truth = known.missing[origins[:, None] + np.arange(1, windows.horizon + 1)]
    origins = origins[~truth.all(axis=1)]
    if len(origins) < FEWEST_WINDOWS:
        raise InputError(
            f'column "{series.name}" has {len(origins)} windows with an observed target to train '
            f"on; expected at least {FEWEST_WINDOWS} (more rows, or fewer gaps)."
        )
    scaling = windows.fit(known, origins)
    x = windows.inputs(known, origins, scaling)
    y, weight = windows.targets(known, origins, scaling)
    model = build(recipe, windows, len(origins))
    try:
        history = model.fit(
            x,
            y,
            batch_size=recipe.batch_size(len(origins)),
            epochs=recipe.epoch_count(len(origins)),
            sample_weight=weight,
            verbose=verbose,
        )
    except TrainingDivergedError as error:
        raise InputError(f'column "{series.name}": {error}') from None
    if history.interrupted:
        raise KeyboardInterrupt
    return Forecaster(recipe, windows, scaling, model, history)
