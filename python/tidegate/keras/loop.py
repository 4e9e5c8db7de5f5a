"""The time loop of one Keras layer on the engine: NumPy arrays in and out, forward and backward.

Keras's rules for steps that a mask leaves out: the state is held; the output is that of the step
before, zeros before the first valid one, or zeros everywhere (zero_output_for_mask). JAX's backend
shows the initial state before the first valid step. With go_backwards everything, the outputs too,
stands in the order of the computation: last step first.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tidegate.activation import Activation
from tidegate.functional import SavedForward, rnn_backward, rnn_forward
from tidegate.weights import from_keras, to_keras
from tidegate.weights.gate_orders import KERAS, OURS, reordered

Array = np.ndarray[Any, Any]


class Loop(NamedTuple):
    """What a layer computes, apart from numbers; and which arrays a call brings.

    Arrays stand in one flat order: x (B, T, I); h, of "lstm" c, (B, H); kernel, recurrent_kernel,
    bias; mask (B, T) bool; scale, the factors of recurrent dropout, (B, H) or (G, B, H) in Keras's
    order of gates. Outputs: y (B, T, H) or (B, H), and the states.
    """

    cell: str
    activations: tuple[tuple[str, str | Activation], ...]
    reset_after: bool
    sequences: bool
    backwards: bool
    zero_masked: bool
    shows_initial_state: bool
    biased: bool
    masked: bool
    scaled: bool

    @property
    def states(self) -> int:
        """How many states the cell has."""
        return 2 if self.cell == "lstm" else 1

    @property
    def differentiable(self) -> int:
        """How many of the arrays, counted from the first, have gradients."""
        return 1 + self.states + (3 if self.biased else 2)

    def output_shapes(self, x: Any, state: Any) -> list[tuple[Any, ...]]:
        """Return the shapes of y and of the states for the shapes of x and of one state."""
        y = (*x[:2], state[1]) if self.sequences else (x[0], state[1])
        return [y, *[tuple(state)] * self.states]


class Shown(NamedTuple):
    """Which outputs are not the engine's; None where all are."""

    last: Array | None = None  # (B, 1) bool: the last output is h, else zeros
    initial: Array | None = None  # (B, T, 1) bool: the output is the initial h


class Saved(NamedTuple):
    """What the forward pass keeps for the gradients. Serves once."""

    engine: SavedForward
    shown: Shown


def forward(loop: Loop, arrays: Sequence[Array], keep: bool) -> tuple[list[Array], Saved | None]:
    """Return y and the states, in memory of their own; and what `backward` needs, if kept."""
    x, *rest = arrays[: loop.differentiable]
    state, weights = rest[: loop.states], rest[loop.states :]
    extra = list(arrays[loop.differentiable :])
    mask = extra.pop(0) if loop.masked else None
    scale = extra.pop(0) if loop.scaled else None
    if scale is not None and scale.ndim == 3:
        scale = reordered(scale, KERAS[loop.cell], OURS[loop.cell])
    if loop.backwards:
        x = x[:, ::-1]
        mask = None if mask is None else np.ascontiguousarray(mask[:, ::-1])
    shown = Shown() if mask is None else _shown(loop, mask)
    cell = from_keras(weights, loop.cell, reset_after=loop.reset_after, **dict(loop.activations))
    out = rnn_forward(
        cell,
        x,
        tuple(state),
        mask=mask,
        masked_output="zero" if loop.zero_masked else "hold",
        training=keep,
        batch_first=True,
        return_sequences=loop.sequences,
        recurrent_scale=scale,
    )
    saved = None if out.saved is None else Saved(out.saved, shown)
    # Copies: y is part of what is saved, and the backends compute in place where they may.
    y = np.array(out.y if loop.sequences else out.state[0])
    if shown.last is not None:
        y *= shown.last
    if shown.initial is not None:
        np.copyto(y, state[0][:, None], where=shown.initial)
    return [y, *(np.array(part) for part in out.state)], saved


def _shown(loop: Loop, mask: Array) -> Shown:
    """Return which outputs are not the engine's, for a mask in the order of the computation."""
    if not loop.sequences:
        if loop.zero_masked:
            return Shown(last=mask[:, -1:])
        return Shown() if loop.shows_initial_state else Shown(last=np.any(mask, 1, keepdims=True))
    if loop.zero_masked or not loop.shows_initial_state:
        return Shown()
    return Shown(initial=~np.logical_or.accumulate(mask, axis=1)[:, :, None])


def backward(
    loop: Loop,
    arrays: Sequence[Array],
    saved: Saved | None,
    gradients: Sequence[Array],
    need_dx: bool = True,
) -> list[Array]:
    """Return the gradients by the first `differentiable` arrays, given those by the outputs.

    Without `saved` the forward pass is computed again; without need_dx that by x is left out.
    """
    if saved is None:
        saved = forward(loop, arrays, keep=True)[1]
        assert saved is not None
    dy, *dstate = gradients
    initial = saved.shown.initial
    if loop.sequences:
        given = rnn_backward(saved.engine, dy, tuple(dstate), need_dx=need_dx)
    else:
        dh = dy if saved.shown.last is None else dy * saved.shown.last
        dstate[0] = dstate[0] + dh
        given = rnn_backward(saved.engine, None, tuple(dstate), need_dx=need_dx)
    state = list(given.state)
    if initial is not None:
        state[0] = state[0] + np.sum(dy, axis=1, where=initial)
    dx = given.x
    if dx is None:
        return [*state, *to_keras(given.weights)]
    if loop.backwards:
        dx = dx[:, ::-1].copy()  # ascontiguousarray keeps the stride -1 of one step
    return [dx, *state, *to_keras(given.weights)]
