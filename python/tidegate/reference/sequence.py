"""The time loop, the same for every cell: forward walks t up, backward walks t down.

    forward     state_t, saved_t = step(x_t, state_{t-1}, w)            y_t = h_t
    backward    dh_t = dy_t + what step t+1 sends back                  dw = Σ_t dw_t

To add a cell, write its step and step_backward in a file of its own and add one line to `CELLS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .activations import Array
from .gru import gru_step, gru_step_backward
from .lstm import lstm_step, lstm_step_backward
from .rnn import rnn_step, rnn_step_backward
from .weights import Weights

State = tuple[Array, ...]


class Cell(NamedTuple):
    """One step forward, one step back, and how many arrays the state has."""

    step: Callable[[Array, State, Weights], tuple[State, Any]]
    step_backward: Callable[[State, Any, Weights], tuple[Array, State, dict[str, Array]]]
    states: int


CELLS = {
    "lstm": Cell(lstm_step, lstm_step_backward, 2),
    "gru": Cell(gru_step, gru_step_backward, 1),
    "rnn": Cell(rnn_step, rnn_step_backward, 1),
}


class Factors(NamedTuple):
    """On the state at every step, (T, B, P) each: h_prev is scaled, then part of it is kept.

    step(x_t, scale_t∘h_{t-1})  gives  h_new      h_t = keep_t∘h_{t-1} + (1 - keep_t)∘h_new
    """

    scale: Array
    keep: Array


def forward(w: Weights, x: Array, state: State, factors: Factors) -> tuple[Array, State, list[Any]]:
    """Run x (T, B, I) from `state`: y (T, B, P), the last state, and what each step saved."""
    steps, batch, _ = x.shape
    y = np.empty((steps, batch, w.output_size), x.dtype)
    saved = []
    for t in range(steps):
        h_prev, *cell_prev = state
        scaled = (factors.scale[t] * h_prev, *cell_prev)
        (h_new, *cell), saved_t = CELLS[w.cell].step(x[t], scaled, w)
        y[t] = factors.keep[t] * h_prev + (1 - factors.keep[t]) * h_new
        state = (y[t], *cell)
        saved.append((h_prev, saved_t))
    return y, state, saved


def backward(
    w: Weights, saved: list[Any], dy: Array, dstate: State, factors: Factors
) -> tuple[Array, State, dict[str, Array], Array]:
    """Take dy (T, B, P) and the gradient by the last state to dx, that by the first, dw, dscale."""
    steps, batch, _ = dy.shape
    dx = np.empty((steps, batch, w.input_size), dy.dtype)
    dw = {name: np.zeros_like(array) for name, array in w.arrays().items()}
    dscale = np.empty_like(dy)
    for t in reversed(range(steps)):
        h_prev, saved_t = saved[t]
        dh, *dcell = dstate
        dh = dh + dy[t]
        dstep = ((1 - factors.keep[t]) * dh, *dcell)
        dx[t], (dscaled, *dcell_prev), dw_t = CELLS[w.cell].step_backward(dstep, saved_t, w)
        dscale[t] = dscaled * h_prev
        dstate = (factors.keep[t] * dh + factors.scale[t] * dscaled, *dcell_prev)
        for name in dw:
            dw[name] += dw_t[name]
    return dx, dstate, dw, dscale
