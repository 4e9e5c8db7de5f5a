"""States that go from layer to layer in a Model: from an encoder's last step to a decoder's first.

    y, h, c = LSTM(H, return_state=True)(x)        LSTM(H)(z, initial_state=[h, c])

A layer that is called so reads [x, states...] and, with return_state, writes (y, states...).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tidegate.functional import rnn_backward
from tidegate.layers import checks
from tidegate.layers.masked_input import zero_where_masked
from tidegate.layers.run_mode import RunMode
from tidegate.layers.tensor import Tensor, Use, declared_shape, no_arguments, tensors, use
from tidegate.layers.types import Array

if TYPE_CHECKING:
    from tidegate.layers.recurrent import RecurrentLayer


class StatesSaved(NamedTuple):
    """What the backward pass of a layer with states needs."""

    engine: Any
    mask: Array | None
    reads_state: bool


def use_with_states(
    layer: "RecurrentLayer", x: Any, initial_state: Any, **arguments: Any
) -> Tensor | tuple[Tensor, ...]:
    """Return what `layer(x, initial_state)` is for tensors.

    Raises
    ------
    TypeError
        An initial state is no tensor.
    ValueError
        Its shape does not fit, or the layer cannot hand on states.
    """
    if initial_state is None and not layer.return_state:
        return use(layer, x, **arguments)
    where = type(layer).__name__
    no_arguments(where, **arguments)
    if (reason := _refusal(layer)) is not None:
        raise ValueError(
            f"{where}: layer {layer.name!r} {reason}; expected a plain layer where states go from "
            "layer to layer."
        )
    states: tuple[Tensor, ...] = ()
    if initial_state is not None:
        listed = initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        states = tensors(where, listed)
        found = [state.shape for state in states]
        expected: list[Any] = [(size,) for size in layer.state_sizes]
        if found != expected:
            shapes = [", ".join(map(checks.shape_text, part)) for part in (found, expected)]
            raise ValueError(
                f"{where}: initial_state has the shapes {shapes[0]}; expected {shapes[1]}."
            )
    (entry,) = tensors(where, x if isinstance(x, list | tuple) and len(x) == 1 else [x])
    made: list[Any] = [declared_shape(layer, entry.shape)]
    if layer.return_state:
        made += [(size,) for size in layer.state_sizes]
    outputs = Use(layer, (entry, *states), made).outputs
    return outputs if layer.return_state else outputs[0]


def _refusal(layer: "RecurrentLayer") -> str | None:
    """Say why a layer cannot take or return states."""
    if layer.stateful:
        return "carries a state of its own (stateful=True)"
    if layer.noise.random:
        return f"has noise in training ({', '.join(layer.noise.config())})"
    kind = type(layer).__name__
    return f"is a {kind}, which needs more than x and a state" if layer.runs_apart else None


def forward(layer: "RecurrentLayer", x: Any, training: bool, mask: Any) -> tuple[Any, Any]:
    """Run a layer that reads or writes states; return y, or (y, states...), and what it saved."""
    entry, *states = x if isinstance(x, list) else [x]
    steps = mask[0] if isinstance(mask, list) else mask
    out = layer.run(entry, tuple(states) or None, RunMode(training, steps))
    y = layer.output_of(out, steps)
    saved = StatesSaved(out.saved, steps, bool(states)) if training else None
    return ((y, *out.state) if layer.return_state else y), saved


def backward(layer: "RecurrentLayer", saved: StatesSaved, dy: Any, need_dx: bool) -> Any:
    """Return the gradient by x or, if states were read, a list with those by the states."""
    given: Sequence[Any] = dy if layer.return_state else [dy]
    given = [None if part is None else part.astype(layer.dtype, copy=False) for part in given]
    dy, *dstate = given
    dstate = dstate or [None] * len(layer.state_names)
    if layer.return_sequences:
        dy = dy[:, ::-1] if layer.go_backwards and dy is not None else dy
    elif dy is not None:
        dy = dy if saved.mask is None else zero_where_masked(dy, saved.mask)
        dstate[0] = dy if dstate[0] is None else dstate[0] + dy
        dy = None
    known = None if all(part is None for part in dstate) else dstate
    gradients = layer.bound_weights()[1]
    grads = rnn_backward(saved.engine, dy, known, need_dx=need_dx, out=gradients)
    if not saved.reads_state:
        dx: Array | None = grads.x
        return dx
    return [grads.x, *grads.state]
