"""Layers that join several inputs of a Model."""

from tidegate.layers.joining.concatenate import Concatenate
from tidegate.layers.joining.elementwise import Add, Average, Multiply

__all__ = ["Add", "Average", "Concatenate", "Multiply"]
