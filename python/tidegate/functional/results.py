"""What the doors of one layer return."""

from typing import Any, NamedTuple

from tidegate._arrays import FloatArray
from tidegate.functional.arguments import State
from tidegate.weights import CellWeights


class SavedForward:
    """What the forward pass keeps for `rnn_backward`. Opaque; serves once."""

    __slots__ = ("core", "scale_axes", "time_axis", "weights")

    def __init__(
        self, weights: CellWeights, core: Any, scale_axes: int = 0, time_axis: int = 0
    ) -> None:
        self.weights = weights
        self.core = core  # the compiled core's SavedLayer
        self.scale_axes = scale_axes  # of state_scale; 0 without one
        self.time_axis = time_axis  # of y


class RNNOutput(NamedTuple):
    """Result of `rnn_forward`."""

    y: FloatArray | None
    state: State
    saved: SavedForward | None
    cell_states: FloatArray | None = None


class RNNGradients(NamedTuple):
    """Result of `rnn_backward`."""

    x: FloatArray | None
    state: State
    weights: CellWeights
    state_scale: FloatArray | None = None
    memory_decay: FloatArray | None = None
