"""The engine's two doors: explicit weights in, arrays out.

`rnn_forward` runs one recurrent layer over a batch of sequences, `rnn_backward` returns the
gradients of its inputs, initial state and weights.
"""

from typing import Any, NamedTuple

import numpy as np

from tidegate._arguments import (
    check_usable,
    empty_sequence,
    gradient_arrays,
    in_step_order,
    output_gradient,
    state_arrays,
)
from tidegate._arrays import FloatArray, as_float_array, check_flag, new_array, with_contiguous_rows
from tidegate._loader import core
from tidegate.runtime import get_num_threads
from tidegate.weights import CellWeights

State = tuple[FloatArray, ...]


class SavedForward:
    """What the forward pass keeps for `rnn_backward`. Opaque; serves once."""

    __slots__ = ("batch_first", "core", "go_backwards", "has_y", "shape", "weights")

    def __init__(
        self,
        weights: CellWeights,
        shape: tuple[int, int, int],
        *,
        batch_first: bool,
        go_backwards: bool,
        has_y: bool,
    ) -> None:
        self.weights = weights
        self.shape = shape  # T, B, I
        self.batch_first = batch_first
        self.go_backwards = go_backwards
        self.has_y = has_y
        self.core: Any = None  # the core's SavedLayer; "empty" without steps or rows


class RNNOutput(NamedTuple):
    """Result of `rnn_forward`."""

    y: FloatArray | None
    state: State
    saved: SavedForward | None


class RNNGradients(NamedTuple):
    """Result of `rnn_backward`."""

    x: FloatArray | None
    state: State
    weights: CellWeights


def rnn_forward(
    weights: CellWeights,
    x: Any,
    state: Any = None,
    *,
    lengths: Any = None,
    mask: Any = None,
    training: bool = False,
    batch_first: bool = False,
    return_sequences: bool = True,
    go_backwards: bool = False,
) -> RNNOutput:
    """Run one recurrent layer over a batch of sequences.

    Parameters
    ----------
    weights : CellWeights
        The cell, its options and its arrays.
    x : (T, B, I), or (B, T, I) with batch_first; dtype of the weights
        Input; T and B may be 0. Any strides; copied only if its last axis is not contiguous.
        With `training`, do not modify it before `rnn_backward`.
    state : tuple of (B, H), optional
        State before the first step: (h,) or, for "lstm", (h, c). Zeros if omitted.
    lengths, mask : None
        Reserved for ragged batches; anything else is refused.
    training : bool
        Keep what `rnn_backward` needs. `y` is then read-only, because it is part of that.
    batch_first : bool
        Layout of `x` and `y`.
    return_sequences : bool
        If false, `y` is None and memory does not grow with T (unless training).
    go_backwards : bool
        Start at the last step and end at the first; `y` keeps the time order of `x`.

    Returns
    -------
    RNNOutput
        y (T, B, H) or (B, T, H), the hidden state after each step; state, a tuple of (B, H) after
        the last step; saved, for `rnn_backward` (None unless training).

    Raises
    ------
    ValueError
        A shape disagrees with the weights or with the other arrays.
    TypeError
        An array has another dtype than the weights, is masked, `weights` is no CellWeights, or a
        flag is neither True nor False.
    MemoryError
        The result does not fit into memory.

    Notes
    -----
    Equations: docs/equations/<cell>.md. Results are bit-identical for any number of threads.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = tg.CellWeights("gru", np.zeros((12, 3)), np.zeros((12, 4)))
    >>> out = rnn_forward(w, np.zeros((5, 2, 3)))
    >>> out.y.shape, out.state[0].shape
    ((5, 2, 4), (2, 4))
    """
    where = "rnn_forward"
    if not isinstance(weights, CellWeights):
        raise TypeError(f"{where}: weights is {type(weights).__name__}; expected a CellWeights.")
    if lengths is not None or mask is not None:
        raise ValueError(
            f"{where}: lengths or mask is given; expected None (ragged batches are not in this "
            "version: run sequences of one length together)."
        )
    training = check_flag(where, "training", training)
    batch_first = check_flag(where, "batch_first", batch_first)
    return_sequences = check_flag(where, "return_sequences", return_sequences)
    go_backwards = check_flag(where, "go_backwards", go_backwards)
    x = as_float_array(where, "x", x, weights.dtype)
    layout = "(B, T, I)" if batch_first else "(T, B, I)"
    if x.ndim != 3:
        raise ValueError(f"{where}: x has shape {x.shape}; expected three axes, {layout}.")
    if x.shape[2] != weights.input_size:
        raise ValueError(
            f"{where}: x has shape {x.shape}; expected {weights.input_size} features in the last "
            f"axis, the input_size of the weights ({layout})."
        )
    x = in_step_order(with_contiguous_rows(x), batch_first, go_backwards)
    steps, batch = x.shape[:2]
    hidden, dtype = weights.hidden_size, weights.dtype
    first = state_arrays(where, "state", state, weights, batch)
    saved = None
    if training:
        saved = SavedForward(
            weights,
            (steps, batch, weights.input_size),
            batch_first=batch_first,
            go_backwards=go_backwards,
            has_y=return_sequences,
        )
    y = empty_sequence((steps, batch, hidden), dtype, batch_first) if return_sequences else None
    if steps == 0 or batch == 0:
        shape = (batch, hidden)
        final = tuple(new_array(np.zeros, shape, dtype) if h is None else h.copy() for h in first)
        if saved is not None:
            saved.core = "empty"
        return RNNOutput(y, final, saved)

    final = tuple(new_array(np.empty, (batch, hidden), dtype) for _ in first)
    h0, c0 = first if len(first) == 2 else (first[0], None)
    h_last, c_last = final if len(final) == 2 else (final[0], None)
    run = core.forward32 if dtype == np.float32 else core.forward64
    in_order = None if y is None else in_step_order(y, batch_first, go_backwards)
    kept = run(
        weights.core_weights(),
        x,
        in_order,
        h0,
        c0,
        h_last,
        c_last,
        training,
        get_num_threads(),
    )
    if saved is not None:
        saved.core = kept
        if y is not None:
            y.flags.writeable = False
    return RNNOutput(y, final, saved)


def rnn_backward(
    saved: Any,
    dy: Any = None,
    dstate: Any = None,
    *,
    need_dx: bool = True,
    out: CellWeights | None = None,
) -> RNNGradients:
    """Gradients of one forward pass by its input, initial state and weights.

    Parameters
    ----------
    saved : SavedForward
        `saved` of an `rnn_forward(..., training=True)`. It serves once: the saved gates are
        overwritten by their gradients.
    dy : like y, optional
        Gradient of the loss by each output. Zeros if omitted.
    dstate : tuple of (B, H), optional
        Gradient by the final state, (dh,) or (dh, dc); entries may be None. Zeros if omitted.
    need_dx : bool
        If false, `x` of the result is None and its product is not computed.
    out : CellWeights, optional
        Gradients are written into its arrays (made by `CellWeights.view`); arrays that it lacks
        are not computed.

    Returns
    -------
    RNNGradients
        x, like the input; state, a tuple of (B, H), the gradient by the initial state (also when
        that was omitted); weights, a CellWeights that holds the gradients (`out` if given).

    Raises
    ------
    RuntimeError
        `saved` was used before, or the weights changed since the forward pass.
    TypeError
        `saved` is not a SavedForward.
    ValueError
        `dy` or `dstate` has another shape than y or the state; arrays of `out` overlap.

    Notes
    -----
    Equations: docs/equations/<cell>.md.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = tg.CellWeights("rnn", np.ones((1, 1)), np.zeros((1, 1)), activation="linear")
    >>> out = rnn_forward(w, np.full((3, 1, 1), 2.0), training=True)
    >>> rnn_backward(out.saved, np.ones((3, 1, 1))).weights.weight_ih
    array([[6.]])
    """
    where = "rnn_backward"
    if not isinstance(saved, SavedForward):
        raise TypeError(
            f"{where}: saved is {type(saved).__name__}; expected the `saved` of an rnn_forward "
            "with training=True."
        )
    need_dx = check_flag(where, "need_dx", need_dx)
    check_usable(where, saved)
    weights, (steps, batch, inputs) = saved.weights, saved.shape
    dy = output_gradient(where, saved, dy)
    dlast = state_arrays(where, "dstate", dstate, weights, batch)
    gradients = gradient_arrays(where, weights, out)
    dtype, hidden = weights.dtype, weights.hidden_size
    dx = empty_sequence((steps, batch, inputs), dtype, saved.batch_first) if need_dx else None
    kept, saved.core = saved.core, None
    if steps == 0 or batch == 0:
        for array in gradients.arrays().values():
            array[...] = 0
        shape = (batch, hidden)
        dfirst = tuple(np.zeros(shape, dtype) if d is None else d.copy() for d in dlast)
        return RNNGradients(dx, dfirst, gradients)

    dfirst = tuple(np.empty((batch, hidden), dtype) for _ in dlast)
    dh_last, dc_last = dlast if len(dlast) == 2 else (dlast[0], None)
    dh0, dc0 = dfirst if len(dfirst) == 2 else (dfirst[0], None)
    run = core.backward32 if dtype == np.float32 else core.backward64
    run(
        kept,
        dy,
        dh_last,
        dc_last,
        None if dx is None else in_step_order(dx, saved.batch_first, saved.go_backwards),
        dh0,
        dc0,
        gradients.weight_ih,
        gradients.weight_hh,
        gradients.bias_ih,
        gradients.bias_hh,
        gradients.peephole,
        get_num_threads(),
    )
    return RNNGradients(dx, dfirst, gradients)
