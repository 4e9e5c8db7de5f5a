"""The network for a table: recurrent layers and one Dense; its training."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tidegate.forecast.errors import InputError
from tidegate.layers import Dense, Dropout, MissingIndicator
from tidegate.layers.base import Layer
from tidegate.layers.cells import CELLS
from tidegate.models import Sequential
from tidegate.models.base import BaseModel
from tidegate.tabular.plan import Plan
from tidegate.training.callbacks import Callback, EarlyStopping, History
from tidegate.training.callbacks.base import Logs
from tidegate.training.errors import TrainingDivergedError
from tidegate.training.optimizers import Adam

_SECONDS_BETWEEN_SAVES = 2.0


@dataclass(frozen=True)
class Recipe:
    """How a network is built and trained.

    Attributes
    ----------
    cell : {"lstm", "gru", "rnn"}
    units, layers : int
    dropout : float
        On the inputs of every recurrent layer but the first, and of the Dense layer.
    epochs, batch_size : int
    learning_rate : float
    patience : int
        Epochs without a better validation loss that end the training; 0 for none.
    seed : int
    """

    cell: str = "gru"
    units: int = 32
    layers: int = 1
    dropout: float = 0.0
    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 1e-3
    patience: int = 10
    seed: int = 0


def structure_of(model: BaseModel) -> dict[str, Any]:
    """Return what `build` was told of a network: cell, units, layers, dropout."""
    kinds = {kind: name for name, kind in CELLS.items()}
    stack: list[Any] = [layer for layer in model.layers if type(layer) in kinds]
    rates = [layer.rate for layer in model.layers if isinstance(layer, Dropout)]
    return {
        "cell": kinds[type(stack[0])],
        "units": stack[0].units,
        "layers": len(stack),
        "dropout": rates[0] if rates else 0.0,
    }


def build(plan: Plan, recipe: Recipe, classes: int) -> Sequential:
    """Return the compiled network of a plan."""
    model = Sequential(name=recipe.cell, seed=recipe.seed)
    shape = (plan.window, len(plan.inputs))
    if plan.missing == "carry":
        model.add(MissingIndicator(input_shape=shape))
    for number in range(recipe.layers):
        options: dict[str, Any] = {} if model.layers else {"input_shape": shape}
        if number and recipe.dropout:
            model.add(Dropout(recipe.dropout))
        sequences = number < recipe.layers - 1
        layer: Layer = CELLS[recipe.cell](recipe.units, return_sequences=sequences, **options)
        model.add(layer)
    if recipe.dropout:
        model.add(Dropout(recipe.dropout))
    if plan.classifies:
        model.add(Dense(classes, "softmax"))
    else:
        model.add(Dense(len(plan.targets)))
    compile_for(model, plan, recipe.learning_rate)
    return model


def compile_for(model: BaseModel, plan: Plan, learning_rate: float) -> None:
    """Choose loss, metrics and optimizer by the task; moments of an earlier training stay."""
    if model.compiled:
        model.optimizer.learning_rate = learning_rate
        return
    optimizer = Adam(learning_rate, global_clipnorm=1.0)
    if plan.classifies:
        model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    else:
        model.compile(optimizer, "mse")


class SaveTheBest(Callback):
    """Save whenever an epoch is the best so far, at most every two seconds.

    A process that is killed thus leaves the best network of its first epochs; the last word is
    with who called `fit`.
    """

    def __init__(self, monitor: str, save: Callable[[], None]) -> None:
        self.monitor = monitor
        self.save = save
        self.best = float("inf")
        self.saved = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare; perhaps save."""
        loss = (logs or {})[self.monitor]
        if loss >= self.best:
            return
        self.best = loss
        if time.monotonic() - self.saved >= _SECONDS_BETWEEN_SAVES:
            self.save()
            self.saved = time.monotonic()


def fit(
    model: BaseModel,
    recipe: Recipe,
    training: tuple[Any, Any],
    validation: tuple[Any, Any] | None,
    *,
    save: Callable[[], None],
    verbose: int,
) -> History:
    """Train; the model ends with the weights of its best epoch.

    Parameters
    ----------
    model : Sequential or Model
        Compiled.
    recipe : Recipe
    training, validation : (x, y)
    save : function
        Called at times, while the model is the best so far.
    verbose : see `Trainer.fit`

    Returns
    -------
    History
        With `interrupted` set after Ctrl-C.

    Raises
    ------
    InputError
        The loss became NaN or infinite.
    """
    monitor = "loss" if validation is None else "val_loss"
    callbacks: list[Callback] = [SaveTheBest(monitor, save)]
    if validation is not None:
        patience = recipe.patience or recipe.epochs
        callbacks.append(EarlyStopping(monitor, patience=patience, restore_best_weights=True))
    try:
        return model.fit(
            *training,
            batch_size=recipe.batch_size,
            epochs=recipe.epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation,
            seed=recipe.seed,
        )
    except TrainingDivergedError as error:
        raise InputError(f"{error} Try a smaller --learning-rate.") from None
