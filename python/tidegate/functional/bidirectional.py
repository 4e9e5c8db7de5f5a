"""The two directions of a bidirectional layer (Schuster & Paliwal 1997) in one call.

    y_t = [ h→_t , h←_t ]

h→ is computed from the first step to the last, h← from the last to the first.
"""

from typing import Any, NamedTuple

import numpy as np

from tidegate._arrays import FloatArray, as_float_array
from tidegate._loader import core
from tidegate.functional.arguments import (
    Pair,
    State,
    check_same_dtype,
    check_weights,
    gradients_for,
    split_state,
    steps_at_once,
    validity,
)
from tidegate.weights import CellWeights


class SavedBiRNN:
    """What the forward pass keeps for `birnn_backward`. Opaque; serves once."""

    __slots__ = ("core", "weights")

    def __init__(self, weights: tuple[CellWeights, CellWeights], core: Any) -> None:
        self.weights = weights
        self.core = core  # the compiled core's SavedDirections


class BiRNNOutput(NamedTuple):
    """Result of `birnn_forward`."""

    y: FloatArray | None
    state: State
    saved: SavedBiRNN | None


class BiRNNGradients(NamedTuple):
    """Result of `birnn_backward`."""

    x: FloatArray | None
    state: State
    forward_weights: CellWeights
    backward_weights: CellWeights


def birnn_forward(
    forward_weights: CellWeights,
    backward_weights: CellWeights,
    x: Any,
    state: Any = None,
    *,
    lengths: Any = None,
    mask: Any = None,
    masked_output: str = "zero",
    training: bool = False,
    batch_first: bool = False,
    return_sequences: bool = True,
    recompute_every: int | None = None,
) -> BiRNNOutput:
    """Run a bidirectional layer over a batch of sequences.

    Parameters
    ----------
    forward_weights, backward_weights : CellWeights
        The cells of the two directions; input_size and dtype are the same.
    x : (T, B, I), or (B, T, I) with batch_first; dtype of the weights
        Input, as in `rnn_forward`.
    state : tuple of (B, H), optional
        States before the first step of each direction: (h→, h←) or, for "lstm",
        (h→, c→, h←, c←); entries may be None. Zeros if omitted. With a projection to P, every h
        is (B, P), here and below.
    lengths : (B,) integers, optional
        Valid steps of each sequence, as in `rnn_forward`; h← starts at the last of them.
    mask : (B, T) bool, optional
        True at valid steps, in place of `lengths`.
    masked_output : "zero" or "hold"
        `y` at invalid steps, as in `rnn_forward`: "hold" repeats what each direction had before,
        so at the end of a shorter sequence h→ repeats its last output and h← is zero.
    training : bool
        Keep what `birnn_backward` needs. `y` is then read-only, because it is part of that.
    batch_first : bool
        Layout of `x` and `y`.
    return_sequences : bool
        If false, `y` is None and memory does not grow with T (unless training).
    recompute_every : int, optional
        With `training`: as in `rnn_forward`, in both directions.

    Returns
    -------
    BiRNNOutput
        y (T, B, 2H) or (B, T, 2H), h→ and h← at the same step side by side; state, a tuple of
        (B, H), each direction's after its last valid step; saved, for `birnn_backward` (None unless
        training).

    Raises
    ------
    ValueError
        A shape disagrees with the weights or with the other arrays.
    TypeError
        An array has another dtype than the weights, is masked, weights are no CellWeights, or a
        flag is neither True nor False.

    Notes
    -----
    The same bits as `rnn_forward` with and without go_backwards, for any number of threads.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = [tg.CellWeights("gru", np.zeros((12, 3)), np.zeros((12, 4))) for _ in range(2)]
    >>> out = birnn_forward(*w, np.zeros((5, 2, 3)))
    >>> out.y.shape, len(out.state)
    ((5, 2, 8), 2)
    """
    where = "birnn_forward"
    check_weights(where, "forward_weights", forward_weights)
    check_weights(where, "backward_weights", backward_weights)
    check_same_dtype(where, "backward_weights", backward_weights, forward_weights)
    weights = (forward_weights, backward_weights)
    single = forward_weights.dtype == np.float32
    y, final, kept = (core.directions_forward32 if single else core.directions_forward64)(
        [w.core_weights() for w in weights],
        as_float_array(where, "x", x, forward_weights.dtype),
        _states(where, "state", state, weights),
        validity(where, lengths, mask, masked_output),
        training,
        batch_first,
        return_sequences,
        steps_at_once(where, recompute_every),
    )
    saved = None if kept is None else SavedBiRNN(weights, kept)
    return BiRNNOutput(y, final[0] + final[1], saved)


def birnn_backward(
    saved: Any,
    dy: Any = None,
    dstate: Any = None,
    *,
    need_dx: bool = True,
    out: Any = None,
) -> BiRNNGradients:
    """Gradients of one bidirectional forward pass by its input, initial states and weights.

    Parameters
    ----------
    saved : SavedBiRNN
        `saved` of a `birnn_forward(..., training=True)`. It serves once.
    dy : like y, optional
        Gradient of the loss by each output. Zeros if omitted.
    dstate : tuple of (B, H), optional
        Gradient by the final state, in its order; entries may be None. Zeros if omitted.
    need_dx : bool
        If false, `x` of the result is None and its product is not computed.
    out : tuple of two CellWeights, optional
        Gradients are written into their arrays (forward, backward), as in `rnn_backward`.

    Returns
    -------
    BiRNNGradients
        x, like the input; state, the gradient by the initial state, in its order;
        forward_weights and backward_weights, which hold the gradients.

    Raises
    ------
    RuntimeError
        `saved` was used before, or the weights changed since the forward pass.
    TypeError
        `saved` is not a SavedBiRNN, or an array has another dtype.
    ValueError
        `dy` or `dstate` has another shape than y or the state; arrays of `out` overlap.

    Examples
    --------
    >>> import numpy as np, tidegate as tg
    >>> w = tg.CellWeights("rnn", np.ones((1, 1)), np.ones((1, 1)), activation="linear")
    >>> out = birnn_forward(w, w, np.ones((3, 1, 1)), training=True)
    >>> birnn_backward(out.saved, np.ones((3, 1, 2))).x.ravel()
    array([4., 4., 4.])
    """
    where = "birnn_backward"
    if not isinstance(saved, SavedBiRNN):
        raise TypeError(
            f"{where}: saved is {type(saved).__name__}; expected the `saved` of a birnn_forward "
            "with training=True."
        )
    weights = saved.weights
    dy = None if dy is None else as_float_array(where, "dy", dy, weights[0].dtype)
    pairs = _states(where, "dstate", dstate, weights)
    gradients = gradients_for(where, out, weights)
    dx, dfirst = saved.core.backward(dy, pairs, need_dx, [g.core_weights() for g in gradients])
    return BiRNNGradients(dx, dfirst[0] + dfirst[1], *gradients)


def _states(
    where: str, name: str, state: Any, weights: tuple[CellWeights, CellWeights]
) -> list[Pair]:
    """Return h and c of both directions from one flat tuple."""
    if state is None:
        return [(None, None)] * 2
    parts = [f"{part}{arrow}" for w, arrow in zip(weights, "→←", strict=True) for part in _parts(w)]
    if not isinstance(state, tuple | list) or len(state) != len(parts):
        kind = type(state).__name__
        got = f"{kind} of {len(state)}" if hasattr(state, "__len__") else kind
        raise ValueError(
            f"{where}: {name} is a {got}; expected a tuple ({', '.join(parts)}) of (B, H) arrays."
        )
    first = len(_parts(weights[0]))
    return [
        split_state(where, name, state[:first], weights[0]),
        split_state(where, name, state[first:], weights[1], first),
    ]


def _parts(weights: CellWeights) -> tuple[str, ...]:
    return ("h", "c") if weights.cell == "lstm" else ("h",)
