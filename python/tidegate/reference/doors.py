"""The two doors, with the arguments of `tidegate.functional`: only layout and checks are here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import sequence
from .activations import Array
from .weights import Weights, widen

State = tuple[Array, ...]


@dataclass(frozen=True)
class Saved:
    """What `rnn_forward(..., training=True)` keeps for `rnn_backward`; it may be used again."""

    weights: Weights
    steps: list[Any]
    shape: tuple[int, int]  # T, B
    dtype: np.dtype[Any]
    batch_first: bool
    go_backwards: bool
    factors: sequence.Factors
    scale_axes: int  # of state_scale
    valid: sequence.Validity


@dataclass(frozen=True)
class RNNOutput:
    """y (T, B, P) or None; state, (h (B, P),) or (h, c (B, H)); saved, or None unless training.

    cell_states (T, B, H), c after each step, of an LSTM if asked for.
    """

    y: Array | None
    state: State
    saved: Saved | None
    cell_states: Array | None = None


@dataclass(frozen=True)
class RNNGradients:
    """Gradients by x (None unless needed), by the initial state, and by the weights."""

    x: Array | None
    state: State
    weights: Weights
    state_scale: Array | None = None
    memory_decay: Array | None = None  # (T, B) or (B, T); None without weight_cc


def rnn_forward(
    weights: Any,
    x: Any,
    state: Any = None,
    *,
    lengths: Any = None,
    mask: Any = None,
    masked_output: str = "zero",
    training: bool = False,
    batch_first: bool = False,
    return_sequences: bool = True,
    go_backwards: bool = False,
    return_cell_states: bool = False,
    state_scale: Any = None,
    state_keep: Any = None,
    memory_decay: Any = None,
) -> RNNOutput:
    """Run one recurrent layer over a batch of sequences, in float64.

    Parameters
    ----------
    weights : Weights, or any object with its attributes
        The cell, its arrays and its options.
    x : (T, B, I), or (B, T, I) with `batch_first`
        Input; T and B may be 0.
    state : tuple of (B, H), optional
        State before the first step: (h,) or, for "lstm", (h, c). Zeros if omitted. With a
        projection h is (B, P).
    lengths : (B,) integers, optional
        Valid steps of each sequence.
    mask : (B, T) bool, optional
        True at valid steps, in place of `lengths`.
    masked_output : "zero" or "hold"
        y at invalid steps: zeros, or the output before it (zeros before the first).
    training : bool
        Keep what `rnn_backward` needs.
    return_sequences : bool
        If not, y is None.
    go_backwards : bool
        Run from the last step to the first; y stays in the order of x.
    return_cell_states : bool
        "lstm" only: c after each step too.
    state_scale, state_keep : like y, or (B, H), optional; state_keep also a number
        See `tidegate.reference.sequence.Factors`; ones and zeros if omitted.
    memory_decay : (T, B), or (B, T) with `batch_first`, with weight_cc only
        See `tidegate.reference.memory`; ones if omitted.

    Returns
    -------
    RNNOutput
        y, the hidden state after each step; state after the last valid step; saved.

    Raises
    ------
    ValueError
        A shape disagrees with the weights.

    Notes
    -----
    Equations: docs/equations. Everything is float64, or longdouble where an input is.

    Examples
    --------
    >>> w = Weights("gru", np.zeros((12, 3)), np.zeros((12, 4)))
    >>> rnn_forward(w, np.zeros((5, 2, 3))).y.shape
    (5, 2, 4)
    """
    w = Weights.of(weights)
    x = widen(x)
    if x.ndim != 3 or x.shape[2] != w.input_size:
        raise ValueError(
            f"rnn_forward: x has shape {x.shape}; expected three dimensions, the last of size "
            f"{w.input_size} as in weight_ih."
        )
    x = _to_time_order(x.astype(np.result_type(x, *w.arrays().values())), batch_first, go_backwards)
    steps, batch = x.shape[:2]
    first = _state("rnn_forward: state", state, w, batch, x.dtype)
    layout = batch_first, go_backwards
    factors = sequence.Factors(
        _at_every_step(1.0 if state_scale is None else state_scale, (steps, batch), w, *layout),
        None if state_keep is None else _at_every_step(state_keep, (steps, batch), w, *layout),
        _memory(memory_decay, (steps, batch), *layout),
    )
    steps_of = _valid_steps(lengths, mask, steps, batch)
    steps_of = (steps_of[::-1] if go_backwards else steps_of)[..., np.newaxis]
    valid = sequence.Validity(steps_of, masked_output == "hold")
    y, last, saved_steps = sequence.forward(w.with_biases(), x, first, factors, valid)
    scale_axes = 0 if state_scale is None else np.ndim(state_scale)
    saved = Saved(w, saved_steps, (steps, batch), x.dtype, *layout, factors, scale_axes, valid)
    return RNNOutput(
        _to_caller_order(y, batch_first, go_backwards) if return_sequences else None,
        last,
        saved if training else None,
        _cell_states(saved) if return_cell_states else None,
    )


def rnn_backward(
    saved: Saved,
    dy: Any = None,
    dstate: Any = None,
    *,
    need_dx: bool = True,
    dcell_states: Any = None,
) -> RNNGradients:
    """Gradients of a loss by everything that went into `rnn_forward`.

    Parameters
    ----------
    saved : Saved
        From `rnn_forward(..., training=True)`.
    dy : same shape as y, optional
        Gradient of the loss by y; zeros if omitted.
    dstate : tuple of (B, H) or None, optional
        Gradient of the loss by the state after the last step; zeros where omitted.
    need_dx : bool
        Without it, the gradient by x is None.
    dcell_states : (T, B, H) or (B, T, H), optional
        Gradient of the loss by c after each step.

    Returns
    -------
    RNNGradients
        x in the layout of x; state, a tuple of (B, H); weights, None where the weights are None.

    Raises
    ------
    ValueError
        A shape disagrees with the forward call.

    Examples
    --------
    >>> w = Weights("rnn", np.ones((1, 1)), np.ones((1, 1)), activation="linear")
    >>> out = rnn_forward(w, np.ones((3, 1, 1)), training=True)
    >>> out.y.ravel()
    array([1., 2., 3.])
    >>> rnn_backward(out.saved, dstate=(np.ones((1, 1)),)).weights.weight_ih
    array([[3.]])
    """
    w = saved.weights
    steps, batch = saved.shape
    layout = saved.batch_first, saved.go_backwards
    shape = (batch, steps, w.output_size) if saved.batch_first else (steps, batch, w.output_size)
    dy = np.zeros(shape, saved.dtype) if dy is None else widen(dy)
    if dy.shape != shape:
        raise ValueError(f"rnn_backward: dy has shape {dy.shape}; expected {shape}, that of y.")
    dlast = _state("rnn_backward: dstate", dstate, w, batch, saved.dtype)
    dy = _to_time_order(dy, *layout)
    dx, dfirst, dw, dscale, dmemory = sequence.backward(
        w.with_biases(),
        saved.steps,
        dy,
        dlast,
        saved.factors,
        saved.valid,
        None if dcell_states is None else _to_time_order(widen(dcell_states), *layout),
    )
    dscale = _to_caller_order(dscale, *layout)
    if saved.scale_axes == 2:
        dscale = dscale.sum(axis=1 if saved.batch_first else 0)
    return RNNGradients(
        _to_caller_order(dx, *layout) if need_dx else None,
        dfirst,
        w.with_arrays({name: dw[name] for name in w.arrays()}),
        dscale if saved.scale_axes else None,
        _to_caller_order(dmemory, *layout) if w.weight_cc is not None else None,
    )


def _cell_states(saved: Saved) -> Array:
    """Return c after each step, which each step of an LSTM has saved; gaps are like those of y."""
    c = np.zeros((*saved.shape, saved.weights.hidden_size), saved.dtype)
    held = np.zeros(c.shape[1:], c.dtype)
    for t, (_, step, _) in enumerate(saved.steps):
        c[t] = np.where(saved.valid.steps[t], step.c, held)
        held = c[t] if saved.valid.hold else held
    return _to_caller_order(c, saved.batch_first, saved.go_backwards)


def _at_every_step(
    factor: Any, shape: tuple[int, int], w: Weights, batch_first: bool, go_backwards: bool
) -> Array:
    """Bring a factor on the state to (T, B, H) in the order of processing."""
    factor = widen(factor)
    if factor.ndim == 3:
        factor = _to_time_order(factor, batch_first, go_backwards)
    return np.broadcast_to(factor, (*shape, w.output_size))


def _memory(decay: Any, shape: tuple[int, int], batch_first: bool, go_backwards: bool) -> Array:
    """Bring memory_decay to (T, B, 1) in the order of processing."""
    if decay is None:
        return np.ones((*shape, 1))
    return _to_time_order(widen(decay), batch_first, go_backwards).reshape(*shape, 1)


def _valid_steps(lengths: Any, mask: Any, steps: int, batch: int) -> Array:
    """Which steps are valid, (T, B)."""
    valid: Array
    if mask is not None:
        valid = np.asarray(mask, bool).reshape(batch, steps).T
    elif lengths is not None:
        valid = np.arange(steps)[:, np.newaxis] < np.reshape(lengths, (1, batch))
    else:
        valid = np.ones((steps, batch), bool)
    return valid


def _to_time_order(array: Array, batch_first: bool, go_backwards: bool) -> Array:
    """Bring the caller's layout to (T, B, ·) in the order of processing."""
    array = np.swapaxes(array, 0, 1) if batch_first else array
    return array[::-1] if go_backwards else array


def _to_caller_order(array: Array, batch_first: bool, go_backwards: bool) -> Array:
    """Undo `_to_time_order`."""
    array = array[::-1] if go_backwards else array
    return np.swapaxes(array, 0, 1) if batch_first else array


def _state(where: str, state: Any, w: Weights, batch: int, dtype: np.dtype[Any]) -> State:
    """Check a tuple of states and put zeros where nothing is given."""
    sizes = (w.output_size, w.hidden_size)[: sequence.CELLS[w.cell].states]
    shapes = [(batch, size) for size in sizes]
    given = (None,) * len(shapes) if state is None else tuple(state)
    # Of a wrong number of states, all are shown.
    full = tuple(
        np.zeros(shape, dtype) if part is None else widen(part).copy()
        for part, shape in zip(given, (shapes * len(given))[: len(given)], strict=True)
    )
    got = [part.shape for part in full]
    if got != shapes:
        raise ValueError(f"{where} has arrays of shapes {got}; expected {shapes}.")
    return full
