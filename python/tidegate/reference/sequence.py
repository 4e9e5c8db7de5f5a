"""The time loop, the same for every cell: forward walks t up, backward walks t down.

    forward     state_t, saved_t = step(x_t, state_{t-1}, w)            y_t = h_t
    backward    dh_t = dy_t + what step t+1 sends back                  dw = Σ_t dw_t

At an invalid step of a sequence the state is held, and y_t is 0 or, if `hold`, y_{t-1}.

To add a cell, write its step and step_backward in a file of its own and add one line to `CELLS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .activations import Array
from .gru import gru_step, gru_step_backward
from .lstm import lstm_step, lstm_step_backward
from .memory import fade, fade_backward
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

    Without `keep` nothing is kept, which is not the same as 0∘h_{t-1} where that is infinite.
    `memory` (T, B, 1) is for weights with weight_cc, see `tidegate.reference.memory`.
    """

    scale: Array
    keep: Array | None
    memory: Array

    def blend(self, t: int, h_prev: Array, h_new: Array) -> Array:
        """Keep part of the state before a valid step."""
        if self.keep is None:
            return h_new
        h: Array = self.keep[t] * h_prev + (1 - self.keep[t]) * h_new
        return h

    def blend_back(self, t: int, dh: Array) -> tuple[Array, Array]:
        """Share the gradient of a valid step: of h_prev, of h_new."""
        if self.keep is None:
            return np.zeros_like(dh), dh
        return self.keep[t] * dh, (1 - self.keep[t]) * dh


class Validity(NamedTuple):
    """Valid steps of each sequence, (T, B, 1), and whether y repeats itself at the others."""

    steps: Array
    hold: bool


def forward(
    w: Weights, x: Array, state: State, factors: Factors, valid: Validity
) -> tuple[Array, State, list[Any]]:
    """Run x (T, B, I) from `state`: y (T, B, P), the last state, and what each step saved."""
    steps, batch, _ = x.shape
    y = np.empty((steps, batch, w.output_size), x.dtype)
    saved = []
    held = np.zeros((batch, w.output_size), x.dtype)
    for t in range(steps):
        valid_t = valid.steps[t]
        h_prev, *cell_prev = state
        scaled_h = np.where(valid_t, factors.scale[t], 0) * h_prev
        scaled = (scaled_h, *cell_prev)
        short = None
        if w.weight_cc is not None:
            c_star, short = fade(cell_prev[0], np.where(valid_t, factors.memory[t], 1), w)
            scaled = (scaled_h, c_star)
        (h_new, *cell), saved_t = CELLS[w.cell].step(np.where(valid_t, x[t], 0), scaled, w)
        h = np.where(valid_t, factors.blend(t, h_prev, h_new), h_prev)
        state = (h, *(np.where(valid_t, *q) for q in zip(cell, cell_prev, strict=True)))
        y[t] = np.where(valid_t, h, held)
        held = y[t] if valid.hold else held
        saved.append((h_prev, saved_t, short))
    return y, state, saved


def backward(
    w: Weights,
    saved: list[Any],
    dy: Array,
    dstate: State,
    factors: Factors,
    valid: Validity,
    dcell_states: Array | None = None,
) -> tuple[Array, State, dict[str, Array], Array, Array]:
    """Take dy (T, B, P) and the gradient by the last state to dx, that by the first, dw, dfactors.

    The last two are dscale (T, B, P) and dmemory (T, B).
    """
    steps, batch, _ = dy.shape
    dx = np.empty((steps, batch, w.input_size), dy.dtype)
    dw = {name: np.zeros_like(array) for name, array in w.arrays().items()}
    dscale = np.empty_like(dy)
    dmemory = np.zeros((steps, batch), dy.dtype)
    dheld = np.zeros((batch, w.output_size), dy.dtype)  # of the invalid steps that repeat an output
    dc_held = np.zeros((batch, w.hidden_size), dy.dtype)
    for t in reversed(range(steps)):
        valid_t = valid.steps[t]
        scale = np.where(valid_t, factors.scale[t], 0)
        h_prev, saved_t, short = saved[t]
        dh, *dcell = dstate
        dh = dh + np.where(valid_t, dy[t] + dheld, 0)
        dheld = np.where(valid_t, 0, dheld + dy[t]) if valid.hold else dheld
        if dcell_states is not None:
            dcell = [dcell[0] + np.where(valid_t, dcell_states[t] + dc_held, 0)]
            dc_held = np.where(valid_t, 0, dc_held + dcell_states[t]) if valid.hold else dc_held
        dkept, dh_new = factors.blend_back(t, dh)
        dstep = (np.where(valid_t, dh_new, 0), *(np.where(valid_t, dc, 0) for dc in dcell))
        dx[t], (dscaled, *dcell_prev), dw_t = CELLS[w.cell].step_backward(dstep, saved_t, w)
        dscale[t] = dscaled * h_prev
        if short is not None:
            dcell_prev, dw_short, dmemory[t] = fade_backward(dcell_prev[0], short, w)
            dw_t |= dw_short
        dcell = [np.where(valid_t, *dc) for dc in zip(dcell_prev, dcell, strict=True)]
        dstate = (np.where(valid_t, dkept, dh) + scale * dscaled, *dcell)
        for name in dw:
            dw[name] += dw_t[name]
    return dx, dstate, dw, dscale, dmemory
