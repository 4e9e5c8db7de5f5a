"""Losses, with Keras's names and formulas."""

from typing import Any

from tidegate.layers.types import Config
from tidegate.training import lookup
from tidegate.training.losses.base import Loss
from tidegate.training.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CrossEntropy,
    SparseCategoricalCrossentropy,
)
from tidegate.training.losses.regression import (
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    QuantileLoss,
)

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CrossEntropy",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "QuantileLoss",
    "SparseCategoricalCrossentropy",
]

NAMED: dict[str, type[Loss]] = {
    "mse": MeanSquaredError,
    "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
    "huber": Huber,
    "quantile": QuantileLoss,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}
CLASSES: dict[str, type[Loss]] = {kind.__name__: kind for kind in NAMED.values()}


def get(where: str, loss: Any) -> Loss:
    """Return the loss that a name, a class or an object stands for."""
    return lookup.find(where, "loss", loss, NAMED, Loss)


def make(where: str, description: Any) -> Loss:
    """Return a loss from what `describe` returned."""
    return lookup.make(where, "loss", description, CLASSES)


def describe(loss: Loss) -> Config | None:
    """Return class and configuration, or None for a class of the user's."""
    kind = type(loss)
    if CLASSES.get(kind.__name__) is not kind:
        return None
    return {"class": kind.__name__, "config": loss.get_config()}
