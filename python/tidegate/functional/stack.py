"""Stacked layers in one call: each runs over the outputs of the one before."""

from typing import Any, NamedTuple

import numpy as np

from tidegate._arrays import FloatArray, as_float_array
from tidegate._loader import core
from tidegate.functional.arguments import (
    State,
    check_same_dtype,
    check_weights,
    gradients_for,
    split_states,
    steps_at_once,
    validity,
)
from tidegate.weights import CellWeights


class SavedStack:
    """What the forward pass keeps for `rnn_stack_backward`. Opaque; serves once."""

    __slots__ = ("core", "weights")

    def __init__(self, weights: tuple[CellWeights, ...], core: Any) -> None:
        self.weights = weights
        self.core = core  # the compiled core's SavedStack


class RNNStackOutput(NamedTuple):
    """Result of `rnn_stack_forward`."""

    y: FloatArray | None
    states: tuple[State, ...]
    saved: SavedStack | None


class RNNStackGradients(NamedTuple):
    """Result of `rnn_stack_backward`."""

    x: FloatArray | None
    states: tuple[State, ...]
    weights: tuple[CellWeights, ...]


def rnn_stack_forward(
    weights: Any,
    x: Any,
    states: Any = None,
    *,
    lengths: Any = None,
    mask: Any = None,
    masked_output: str = "zero",
    training: bool = False,
    batch_first: bool = False,
    return_sequences: bool = True,
    recompute_every: int | None = None,
) -> RNNStackOutput:
    """Run stacked recurrent layers over a batch of sequences.

    Parameters
    ----------
    weights : sequence of CellWeights
        The layers, first to last; any cells, of one dtype. The input_size of each is the
        output_size of the one before.
    x : (T, B, I), or (B, T, I) with batch_first; dtype of the weights
        Input of the first layer, as in `rnn_forward`.
    states : sequence of one state per layer, optional
        Each as in `rnn_forward`: (h,) or, for "lstm", (h, c) of (B, H), with a projection h of
        (B, P); None is zeros.
    lengths : (B,) integers, optional
        Valid steps of each sequence, as in `rnn_forward`, for every layer.
    mask : (B, T) bool, optional
        True at valid steps, in place of `lengths`.
    masked_output : "zero" or "hold"
        `y` at invalid steps, as in `rnn_forward`.
    training : bool
        Keep what `rnn_stack_backward` needs. `y` is then read-only, because it is part of that.
    batch_first : bool
        Layout of `x` and `y`.
    return_sequences : bool
        If false, `y` is None.
    recompute_every : int, optional
        With `training`: as in `rnn_forward`; what passes between the layers is not kept either.

    Returns
    -------
    RNNStackOutput
        y (T, B, H) or (B, T, H), the hidden states of the last layer, with a projection P wide;
        states, for each layer a tuple of (B, H) after the last valid step; saved, for
        `rnn_stack_backward` (None unless training).

    Raises
    ------
    ValueError
        A shape disagrees with the weights or with the other arrays.
    TypeError
        An array has another dtype than the weights, is masked, `weights` is no sequence of
        CellWeights of one dtype, or a flag is neither True nor False.

    Notes
    -----
    The same bits as one `rnn_forward` per layer, for any number of threads.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = [tg.CellWeights("gru", np.zeros((12, i)), np.zeros((12, 4))) for i in (3, 4)]
    >>> out = rnn_stack_forward(w, np.zeros((5, 2, 3)))
    >>> out.y.shape, len(out.states)
    ((5, 2, 4), 2)
    """
    where = "rnn_stack_forward"
    layers = _as_layers(where, weights)
    dtype = layers[0].dtype
    y, final, kept = (core.stack_forward32 if dtype == np.float32 else core.stack_forward64)(
        [w.core_weights() for w in layers],
        as_float_array(where, "x", x, dtype),
        split_states(where, "states", states, layers),
        validity(where, lengths, mask, masked_output),
        training,
        batch_first,
        return_sequences,
        steps_at_once(where, recompute_every),
    )
    return RNNStackOutput(y, final, None if kept is None else SavedStack(layers, kept))


def rnn_stack_backward(
    saved: Any,
    dy: Any = None,
    dstates: Any = None,
    *,
    need_dx: bool = True,
    out: Any = None,
) -> RNNStackGradients:
    """Gradients of one forward pass of stacked layers by its input, initial states and weights.

    Parameters
    ----------
    saved : SavedStack
        `saved` of an `rnn_stack_forward(..., training=True)`. It serves once.
    dy : like y, optional
        Gradient of the loss by each output of the last layer. Zeros if omitted.
    dstates : sequence of one state per layer, optional
        Gradient by the final states, (dh,) or (dh, dc) each; None is zeros.
    need_dx : bool
        If false, `x` of the result is None and its product is not computed.
    out : sequence of CellWeights, optional
        Gradients of each layer are written into their arrays, as in `rnn_backward`.

    Returns
    -------
    RNNStackGradients
        x, like the input; states, the gradients by the initial states; weights, a tuple of
        CellWeights that hold the gradients.

    Raises
    ------
    RuntimeError
        `saved` was used before, or weights changed since the forward pass.
    TypeError
        `saved` is not a SavedStack, or an array has another dtype.
    ValueError
        `dy` or `dstates` has another shape than y or the states; arrays of `out` overlap.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = tg.CellWeights("rnn", np.ones((1, 1)), np.zeros((1, 1)), activation="linear")
    >>> out = rnn_stack_forward([w, w], np.full((3, 1, 1), 2.0), training=True)
    >>> [g.weight_ih.item() for g in rnn_stack_backward(out.saved, np.ones((3, 1, 1))).weights]
    [6.0, 6.0]
    """
    where = "rnn_stack_backward"
    if not isinstance(saved, SavedStack):
        raise TypeError(
            f"{where}: saved is {type(saved).__name__}; expected the `saved` of an "
            "rnn_stack_forward with training=True."
        )
    layers = saved.weights
    dy = None if dy is None else as_float_array(where, "dy", dy, layers[0].dtype)
    pairs = split_states(where, "dstates", dstates, layers)
    gradients = gradients_for(where, out, layers)
    dx, dfirst = saved.core.backward(dy, pairs, need_dx, [g.core_weights() for g in gradients])
    return RNNStackGradients(dx, dfirst, gradients)


def _as_layers(where: str, weights: Any) -> tuple[CellWeights, ...]:
    """Return the weights of the layers as a tuple, all of one dtype."""
    if not isinstance(weights, tuple | list) or not weights:
        got = "empty" if isinstance(weights, tuple | list) else f"a {type(weights).__name__}"
        raise TypeError(
            f"{where}: weights is {got}; expected a list of CellWeights, one per layer."
        )
    for k, layer in enumerate(weights):
        check_weights(where, f"weights[{k}]", layer)
        check_same_dtype(where, f"weights[{k}]", layer, weights[0])
    return tuple(weights)
