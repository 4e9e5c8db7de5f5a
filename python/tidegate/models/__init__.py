"""Models, with Keras's interface: Sequential, layers one after another, and Model, a graph."""

from tidegate.models.model import Model
from tidegate.models.sequential import Sequential

__all__ = ["Model", "Sequential"]
