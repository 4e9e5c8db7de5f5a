"""Training: losses, metrics, optimizers, callbacks, and the loop of `fit`."""

from tidegate.training import callbacks, losses, metrics, optimizers
from tidegate.training.callbacks import (
    Callback,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from tidegate.training.errors import TrainingDivergedError
from tidegate.training.history import History

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TrainingDivergedError",
    "callbacks",
    "losses",
    "metrics",
    "optimizers",
]
