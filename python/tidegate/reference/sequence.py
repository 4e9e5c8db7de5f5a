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
    """One step forward, one step back, and how many (B, H) arrays the state has."""

    step: Callable[[Array, State, Weights], tuple[State, Any]]
    step_backward: Callable[[State, Any, Weights], tuple[Array, State, dict[str, Array]]]
    states: int


CELLS = {
    "lstm": Cell(lstm_step, lstm_step_backward, 2),
    "gru": Cell(gru_step, gru_step_backward, 1),
    "rnn": Cell(rnn_step, rnn_step_backward, 1),
}


def forward(w: Weights, x: Array, state: State) -> tuple[Array, State, list[Any]]:
    """Run x (T, B, I) from `state`: y (T, B, H), the last state, and what each step saved."""
    steps, batch, _ = x.shape
    y = np.empty((steps, batch, w.hidden_size), x.dtype)
    saved = []
    for t in range(steps):
        state, saved_t = CELLS[w.cell].step(x[t], state, w)
        y[t] = state[0]
        saved.append(saved_t)
    return y, state, saved


def backward(
    w: Weights, saved: list[Any], dy: Array, dstate: State
) -> tuple[Array, State, dict[str, Array]]:
    """Take dy (T, B, H) and the gradient by the last state to dx, dstate (the first) and dw."""
    steps, batch, _ = dy.shape
    dx = np.empty((steps, batch, w.input_size), dy.dtype)
    dw = {name: np.zeros_like(array) for name, array in w.arrays().items()}
    for t in reversed(range(steps)):
        dh, *dcell = dstate
        dx[t], dstate, dw_t = CELLS[w.cell].step_backward((dh + dy[t], *dcell), saved[t], w)
        for name in dw:
            dw[name] += dw_t[name]
    return dx, dstate, dw
