"""Consecutive recurrent layers as one: the engine runs them in one call, with the same results."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tidegate.functional import rnn_stack_backward, rnn_stack_forward
from tidegate.layers.base import Layer
from tidegate.layers.call import Call
from tidegate.layers.gru import GRU
from tidegate.layers.lstm import LSTM
from tidegate.layers.masked_input import zero_where_masked
from tidegate.layers.recurrent import RecurrentLayer
from tidegate.layers.simple_rnn import SimpleRNN
from tidegate.layers.types import Array


class RecurrentRun:
    """Two or more layers that run as one call of the engine, used like a layer by a model.

    Parameters
    ----------
    layers : list of RecurrentLayer
        All but the last return sequences; dtype and recompute_every are the same.
    """

    def __init__(self, layers: list[RecurrentLayer]) -> None:
        self.layers = layers
        self.dtype = layers[0].dtype
        self.parameters = tuple(parameter for layer in layers for parameter in layer.parameters)

    makes_mask = False

    def output_mask(self, x: Array, mask: Array) -> Array | None:
        """Return the mask, if there are steps to be masked in the output."""
        return mask if self.layers[-1].return_sequences else None

    def forward(
        self,
        x: Array,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Any]:
        """Return the output of the last layer and, when training, the engine's `saved`."""
        carried = [layer.carried for layer in self.layers]
        states = [
            None if kept is None else kept.start(layer.name, len(x))
            for kept, layer in zip(carried, self.layers, strict=True)
        ]
        last = self.layers[-1]
        masked: dict[str, Any] = (
            {} if mask is None else {"mask": mask, "masked_output": last.masked_output}
        )
        out = rnn_stack_forward(
            [layer.bound_weights()[0] for layer in self.layers],
            x,
            states,
            training=training,
            batch_first=True,
            return_sequences=last.return_sequences,
            recompute_every=last.recompute_every,
            **masked,
        )
        for kept, final in zip(carried, out.states, strict=True):
            if kept is not None:
                kept.keep(final)
        if out.y is not None:
            return out.y, out.saved
        y = out.states[-1][0]
        return (y if mask is None else zero_where_masked(y, mask)), out.saved

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


def join_recurrent(calls: Sequence[Call], output: int) -> list[Call]:
    """Return the calls, each run of recurrent layers that can be one call of the engine as one.

    Parameters
    ----------
    calls : list of Call
    output : int
        The place of the model's output, which is read by the caller.
    """
    readers = Counter([output, *(place for call in calls for place in call.sources)])
    uses = Counter(id(call.layer) for call in calls)
    runs: list[list[Call]] = []
    open_runs: dict[int, list[Call]] = {}  # by the place that only the next layer may read
    for call in calls:
        plain = _plain(call.layer)
        alone = plain and uses[id(plain)] == len(call.sources) == len(call.targets) == 1
        run = open_runs.pop(call.sources[0], None) if alone else None
        if run is not None and plain and _alike(run[-1].layer, plain):
            run.append(call)
        else:
            run = [call]
            runs.append(run)
        if alone and plain and plain.return_sequences and readers[call.targets[0]] == 1:
            open_runs[call.targets[0]] = run
    return [
        Call(RecurrentRun([c.layer for c in run]), run[0].sources, run[-1].targets)
        if len(run) > 1
        else run[0]
        for run in runs
    ]


def _alike(below: Layer, above: RecurrentLayer) -> bool:
    """Whether one call of the engine can have both."""
    return (
        isinstance(below, RecurrentLayer)
        and below.dtype == above.dtype
        and below.recompute_every == above.recompute_every
    )


def _plain(layer: Layer) -> RecurrentLayer | None:
    """Return a layer that the engine can run in a stack; a subclass may compute another thing."""
    if type(layer) in (LSTM, GRU, SimpleRNN):
        assert isinstance(layer, RecurrentLayer)
        return None if layer.go_backwards or layer.runs_apart else layer
    return None
