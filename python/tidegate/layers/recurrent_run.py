"""Consecutive recurrent layers as one: the engine runs them in one call, with the same results."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tidegate.functional import rnn_stack_backward, rnn_stack_forward
from tidegate.layers.base import Layer
from tidegate.layers.gru import GRU
from tidegate.layers.lstm import LSTM
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.simple_rnn import SimpleRNN
from tidegate.layers.types import Array


class RecurrentRun:
    """Two or more layers that run as one call of the engine, used like a layer by a model.

    Parameters
    ----------
    layers : list of RecurrentLayer
        All but the last return sequences.
    """

    def __init__(self, layers: list[RecurrentLayer]) -> None:
        self.layers = layers
        self.dtype = layers[0].dtype
        self.parameters = tuple(parameter for layer in layers for parameter in layer.parameters)

    def forward(
        self, x: Array, *, training: bool = False, rng: np.random.Generator | None = None
    ) -> tuple[Array, Any]:
        """Return the output of the last layer and, when training, the engine's `saved`."""
        out = rnn_stack_forward(
            [layer.bound_weights()[0] for layer in self.layers],
            x,
            training=training,
            batch_first=True,
            return_sequences=self.layers[-1].return_sequences,
        )
        return out.states[-1][0] if out.y is None else out.y, out.saved

    def backward(self, saved: Any, dy: Array, *, need_dx: bool = True) -> Array | None:
        """Write the gradients of the parameters; return the gradient by x unless not needed."""
        last, dstates = self.layers[-1], None
        if not last.return_sequences:
            below: list[Any] = [None] * (len(self.layers) - 1)
            dstates = [*below, (dy, *(None for _ in last.state_names[1:]))]
        dx: Array | None = rnn_stack_backward(
            saved,
            dy if dstates is None else None,
            dstates,
            need_dx=need_dx,
            out=[layer.bound_weights()[1] for layer in self.layers],
        ).x
        return dx


def join_recurrent(layers: Iterable[Layer]) -> list[Layer | RecurrentRun]:
    """Return the layers, each run of recurrent layers that can be one call as one."""
    joined: list[Layer | RecurrentRun] = []
    run: list[RecurrentLayer] = []
    for layer in layers:
        plain = _plain(layer)
        if run and not (plain and run[-1].return_sequences and run[-1].dtype == plain.dtype):
            joined.append(run[0] if len(run) == 1 else RecurrentRun(run))
            run = []
        if plain:
            run.append(plain)
        else:
            joined.append(layer)
    if run:
        joined.append(run[0] if len(run) == 1 else RecurrentRun(run))
    return joined


def _plain(layer: Layer) -> RecurrentLayer | None:
    """Return a layer that the engine can run in a stack; a subclass may compute another thing."""
    if type(layer) in (LSTM, GRU, SimpleRNN):
        assert isinstance(layer, RecurrentLayer)
        return None if layer.go_backwards else layer
    return None
