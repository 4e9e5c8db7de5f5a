"""Callbacks, with Keras's names, defaults and rules."""

from tidegate.training.callbacks.base import Callback
from tidegate.training.callbacks.checkpoint import ModelCheckpoint
from tidegate.training.callbacks.early_stopping import EarlyStopping
from tidegate.training.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from tidegate.training.callbacks.monitor import MonitorCallback
from tidegate.training.history import History

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ReduceLROnPlateau",
]
