"""Optimizers and learning-rate schedules, with Keras's names, defaults and formulas."""

from typing import Any

from tidegate.layers.types import Config
from tidegate.training import lookup
from tidegate.training.optimizers.adam import Adam, AdamW
from tidegate.training.optimizers.base import Optimizer
from tidegate.training.optimizers.rmsprop import RMSprop
from tidegate.training.optimizers.schedules import (
    CosineDecay,
    ExponentialDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
)
from tidegate.training.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "CosineDecay",
    "ExponentialDecay",
    "LearningRateSchedule",
    "Optimizer",
    "PiecewiseConstantDecay",
    "RMSprop",
]

CLASSES: dict[str, type[Optimizer]] = {kind.__name__: kind for kind in (SGD, RMSprop, Adam, AdamW)}
NAMED: dict[str, type[Optimizer]] = {name.lower(): kind for name, kind in CLASSES.items()}


def get(where: str, optimizer: Any) -> Optimizer:
    """Return the optimizer that a name, a class or an object stands for."""
    if isinstance(optimizer, str):
        optimizer = optimizer.lower() if optimizer.lower() in NAMED else optimizer
    return lookup.find(where, "optimizer", optimizer, NAMED, Optimizer)


def describe(optimizer: Optimizer) -> Config | None:
    """Return class and configuration, or None for a class of the user's."""
    kind = type(optimizer)
    if CLASSES.get(kind.__name__) is not kind:
        return None
    return {"class": kind.__name__, "config": optimizer.get_config()}


def make(where: str, description: Any) -> Optimizer:
    """Return an optimizer from what `describe` returned."""
    return lookup.make(where, "optimizer", description, CLASSES)
