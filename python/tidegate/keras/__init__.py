"""Keras 3 beside tidegate: whole models from one to the other."""

from tidegate.keras.from_keras import from_keras
from tidegate.keras.to_keras import to_keras

__all__ = ["from_keras", "to_keras"]
