"""RunMode: how a recurrent layer runs; what every call of it has in common."""

from typing import NamedTuple

import numpy as np

from tidegate.layers.types import Array


class RunMode(NamedTuple):
    """For training or not, under which mask, and with which random numbers."""

    training: bool = False
    mask: Array | None = None  # (B, T), the steps that count
    rng: np.random.Generator | None = None  # of a layer with noise, in training
    masked_output: str | None = None  # in the engine's words; None: what the layer is set to


INFERENCE = RunMode()
