"""The network and its training: one LSTM or GRU that reads the past and runs on into the future.

Direct forecasts of all leads at once: nothing that the network says is fed back, so errors do not
pile up over the horizon. The rate falls to 0 over a fixed number of steps (half a cosine), which
needs no validation part and so leaves the latest, most telling years to the training.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tidegate import io
from tidegate.forecast.errors import InputError
from tidegate.forecast.series import Series
from tidegate.forecast.windows import FEATURES, Floats32, Scaling, Windows
from tidegate.layers import Dense, cells
from tidegate.models import Sequential
from tidegate.models.base import BaseModel
from tidegate.training.errors import TrainingDivergedError
from tidegate.training.history import History
from tidegate.training.losses import QuantileLoss
from tidegate.training.optimizers import Adam, CosineDecay

Cell = Literal["lstm", "gru"]
NOTE = "forecaster"  # what the notes of a model file call what a network needs besides
CELLS: tuple[Cell, ...] = ("lstm", "gru")

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
    quantiles : tuple of float
        Forecast these, increasing and with 0.5 in the middle, which is then the forecast. Without
        any, the mean is forecast.
    """

    cell: Cell = "lstm"
    units: int = 32
    steps: int = 300
    epochs: int | None = None
    learning_rate: float = 3e-3
    seed: int = 0
    quantiles: tuple[float, ...] = ()

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
        return self._columns(series, origins, [len(self.recipe.quantiles) // 2])[..., 0]

    def quantiles(self, series: Series, origins: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Forecast the quantiles of the recipe, (N, horizon, Q), increasing along the last axis."""
        return np.sort(self._columns(series, origins, range(len(self.recipe.quantiles))), axis=-1)

    def _columns(
        self, series: Series, origins: npt.NDArray[np.int64], columns: Sequence[int]
    ) -> npt.NDArray[np.float64]:
        """Return what the network's outputs of these numbers forecast, (N, horizon, Q)."""
        answers = self.model.predict(self.windows.inputs(series, origins, self.scaling))
        forecasts = [
            self.windows.forecasts(series, origins, self.scaling, answers, column)
            for column in columns
        ]
        return np.stack(forecasts, axis=-1)

    def save(self, path: Path) -> None:
        """Write the network to `path` (safetensors), the rest into the notes of that file."""
        rest = {
            "recipe": asdict(self.recipe),
            "windows": asdict(self.windows),
            "scaling": asdict(self.scaling),
        }
        io.save(self.model, path, notes={NOTE: rest})

    @classmethod
    def load(cls, path: Path) -> "Forecaster":
        """Read what `save` wrote; raise an InputError where the file holds another model."""
        rest: dict[str, Any] | None = io.load_notes(path).get(NOTE)
        if rest is None:
            raise InputError(
                f"{path}: is a model, but without the windows and scales of a forecast; expected a "
                "file of `tidegate forecast --save-model`."
            )
        for part in rest.values():  # JSON has no tuples
            part.update({key: tuple(v) for key, v in part.items() if isinstance(v, list)})
        return cls(
            Recipe(**rest["recipe"]),
            Windows(**rest["windows"]),
            Scaling(**rest["scaling"]),
            io.load(path),
        )


def build(
    recipe: Recipe, windows: Windows, count: int, features: int = len(FEATURES)
) -> Sequential:
    """Return the compiled network for training on `count` windows."""
    layer = cells.CELLS[recipe.cell]
    shape = (windows.past + windows.horizon, features)
    outputs = len(recipe.quantiles) or 1
    model = Sequential(
        [layer(recipe.units, return_sequences=True, input_shape=shape), Dense(outputs)],
        name=recipe.cell,
        seed=recipe.seed,
    )
    steps = recipe.epoch_count(count) * -(-count // recipe.batch_size(count))
    rate = CosineDecay(recipe.learning_rate, steps)
    loss = QuantileLoss(recipe.quantiles) if recipe.quantiles else "mse"
    model.compile(optimizer=Adam(rate, global_clipnorm=1.0), loss=loss)
    return model


def train(
    series: Series, end: int, windows: Windows, recipe: Recipe, *, verbose: int = 0
) -> Forecaster:
    """Train on the steps of one series before `end`; see `train_together`."""
    return train_together([series], [end], windows, recipe, verbose=verbose)[0]


def train_together(
    all_series: Sequence[Series],
    ends: Sequence[int],
    windows: Windows,
    recipe: Recipe,
    *,
    verbose: int = 0,
) -> list[Forecaster]:
    """Train one network for several series; nothing at or after their ends is looked at.

    Parameters
    ----------
    all_series : list of Series
        With the same exogenous columns, if any.
    ends : list of int
        Of each series the first step that training may not see, as input or as target.
    windows : Windows
    recipe : Recipe
    verbose : int
        1 shows a progress bar.

    Returns
    -------
    list of Forecaster
        One for each series, with its own scaling; all have the same network.

    Raises
    ------
    InputError
        There are too few windows, or training diverges.
    KeyboardInterrupt
        Ctrl-C during training.
    """
    fitting = _MOST_STEPS // (windows.past + windows.horizon)
    most = min(max(fitting, FEWEST_WINDOWS), MOST_WINDOWS) // len(all_series)
    parts = [
        _samples(series, end, windows, max(most, FEWEST_WINDOWS))
        for series, end in zip(all_series, ends, strict=True)
    ]
    x, y, weight = (np.concatenate([part[k] for part in parts]) for k in (1, 2, 3))
    model = build(recipe, windows, len(x), x.shape[2])
    try:
        history = model.fit(
            x,
            y,
            batch_size=recipe.batch_size(len(x)),
            epochs=recipe.epoch_count(len(x)),
            sample_weight=weight,
            verbose=verbose,
        )
    except TrainingDivergedError as error:
        names = ", ".join(f'"{series.name}"' for series in all_series)
        raise InputError(f"column {names}: {error}") from None
    if history.interrupted:
        raise KeyboardInterrupt
    return [Forecaster(recipe, windows, part[0], model, history) for part in parts]


def _samples(
    series: Series, end: int, windows: Windows, most: int
) -> tuple[Scaling, Floats32, Floats32, Floats32]:
    """Return scaling, inputs, targets and weights of at most so many windows of one series."""
    known = series.until(end)
    origins = windows.training_origins(known, end, most)
    truth = known.missing[origins[:, None] + np.arange(1, windows.horizon + 1)]
    origins = origins[~truth.all(axis=1)]
    if len(origins) < FEWEST_WINDOWS:
        needed = windows.first_origin(series.season) + FEWEST_WINDOWS + windows.horizon
        raise InputError(
            f'column "{series.name}" has {len(origins)} windows with an observed target to train '
            f"on, in {len(known)} rows; expected at least {FEWEST_WINDOWS}, which take {needed} "
            f"rows without gaps (horizon {windows.horizon}, season {series.season}, past "
            f"{windows.past})."
        )
    scaling = windows.fit(known, origins)
    return (
        scaling,
        windows.inputs(known, origins, scaling),
        *windows.targets(known, origins, scaling),
    )
