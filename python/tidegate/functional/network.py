"""Stacked layers of one or two directions, each by the door that is made for it.

What the adapters of other frameworks and the benchmark share: there a module is all of this.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tidegate._arrays import FloatArray
from tidegate.functional.arguments import State
from tidegate.functional.bidirectional import birnn_backward, birnn_forward
from tidegate.functional.layer import rnn_backward, rnn_forward
from tidegate.functional.results import SavedForward
from tidegate.functional.stack import SavedStack, rnn_stack_backward, rnn_stack_forward
from tidegate.weights import CellWeights

# Of each layer the cells of its one or two directions.
Layers = Sequence[Sequence[CellWeights]]
# Of one layer, of a stack, or of each bidirectional layer.
SavedNetwork = SavedForward | SavedStack | list[Any]


class NetworkOutput(NamedTuple):
    """Result of `network_forward`; the states are those of its argument."""

    y: FloatArray | None
    states: Sequence[State]
    saved: SavedNetwork | None


class NetworkGradients(NamedTuple):
    """Result of `network_backward`."""

    x: FloatArray | None
    states: Sequence[State]
    weights: Layers


def network_forward(
    layers: Layers,
    x: Any,
    states: Sequence[Any] | None = None,
    *,
    lengths: Any = None,
    training: bool = False,
    batch_first: bool = False,
    return_sequences: bool = True,
) -> NetworkOutput:
    """Run stacked layers, all of one or all of two directions.

    Parameters
    ----------
    layers : sequence over the layers of sequence over the directions of CellWeights
    x : (T, B, I), or (B, T, I) with batch_first
    states : one per layer, optional
        As the door of the layer takes it: (h,) or (h, c); of two directions (h→, h←) or
        (h→, c→, h←, c←).
    lengths, training, batch_first, return_sequences
        As in `rnn_forward`.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = [[tg.CellWeights("gru", np.zeros((12, i)), np.zeros((12, 4)))] * 2 for i in (3, 8)]
    >>> network_forward(w, np.zeros((5, 2, 3))).y.shape
    (5, 2, 8)
    """
    options: dict[str, Any] = {"lengths": lengths, "training": training}
    options["batch_first"] = batch_first
    if len(layers[0]) == 2:
        return _bidirectional(layers, x, states, return_sequences, options)
    options["return_sequences"] = return_sequences
    if len(layers) > 1:
        return NetworkOutput(*rnn_stack_forward([w for [w] in layers], x, states, **options))
    state = None if states is None else states[0]
    y, final, saved, _ = rnn_forward(layers[0][0], x, state, **options)
    return NetworkOutput(y, (final,), saved)


def _bidirectional(
    layers: Layers,
    x: Any,
    states: Sequence[Any] | None,
    return_sequences: bool,
    options: dict[str, Any],
) -> NetworkOutput:
    kept: list[Any] = []
    finals = []
    y: Any = x
    for k, (ahead, back) in enumerate(layers):
        state = None if states is None else states[k]
        sequences = return_sequences or k + 1 < len(layers)
        y, final, saved = birnn_forward(
            ahead, back, y, state, return_sequences=sequences, **options
        )
        finals.append(final)
        kept.append(saved)
    return NetworkOutput(y, finals, kept if options["training"] else None)


def network_backward(
    saved: SavedNetwork,
    dy: Any = None,
    dstates: Sequence[Any] | None = None,
    *,
    need_dx: bool = True,
    out: Layers | None = None,
) -> NetworkGradients:
    """Gradients of a `network_forward` with training=True, whose `saved` serves once.

    Parameters
    ----------
    saved
        Of `network_forward`.
    dy : like y, optional
    dstates : one per layer, optional
        Like its states.
    need_dx : bool
    out : like the layers, optional
        Gradients are written into their arrays, as in `rnn_backward`.
    """
    if isinstance(saved, SavedForward):
        dstate = None if dstates is None else dstates[0]
        into = None if out is None else out[0][0]
        dx, dfirst, dweights, _, _ = rnn_backward(saved, dy, dstate, need_dx=need_dx, out=into)
        return NetworkGradients(dx, (dfirst,), ((dweights,),))
    if isinstance(saved, SavedStack):
        stacked = None if out is None else [w for [w] in out]
        grads = rnn_stack_backward(saved, dy, dstates, need_dx=need_dx, out=stacked)
        return NetworkGradients(grads.x, grads.states, [(w,) for w in grads.weights])
    dfirsts, gradients, dx = [], [], dy
    for k in reversed(range(len(saved))):
        dstate = None if dstates is None else dstates[k]
        both = None if out is None else tuple(out[k])
        dx, dfirst, *directions = birnn_backward(
            saved[k], dx, dstate, need_dx=need_dx or k > 0, out=both
        )
        dfirsts.append(dfirst)
        gradients.append(directions)
    return NetworkGradients(dx, dfirsts[::-1], gradients[::-1])
